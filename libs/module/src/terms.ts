// The words of a document for the numbers of the contract.
import { Aggregate, DateUnit, Metric, SuppressScope } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { FileFormat } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import {
  CastPolicy,
  EmptyStrategy,
  KeyConflict,
  NullReference,
  RangeStrategy,
  WithinSource,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { UploadMode } from '@lethe/contracts/gen/lethe/module/v1/upload';

/** Words ↔ numbers. */
export type Words<E extends number> = { words: string[]; toWord: (value: E) => string | undefined; toValue: (word: string) => E };

const words = <E extends number>(table: Record<string, E>): Words<E> => ({
  words: Object.keys(table),
  toWord: (value) => Object.keys(table).find((word) => table[word] === value),
  toValue: (word) => table[word] ?? (0 as E),
});

export const BASE_TYPES = words<BaseType>({
  string: BaseType.STRING,
  boolean: BaseType.BOOLEAN,
  integer: BaseType.INTEGER,
  decimal: BaseType.DECIMAL,
  double: BaseType.DOUBLE,
  date: BaseType.DATE,
  time: BaseType.TIME,
  dateTime: BaseType.DATETIME,
  dateTimeStamp: BaseType.DATETIMESTAMP,
  uuid: BaseType.UUID,
  json: BaseType.JSON,
  hexBinary: BaseType.BINARY,
});
export const ROLES = words<Role>({
  identifying: Role.IDENTIFYING,
  'quasi-identifying': Role.QUASI_IDENTIFYING,
  sensitive: Role.SENSITIVE,
  insensitive: Role.INSENSITIVE,
  pseudonym: Role.PSEUDONYM,
});
export const EMPTY_STRATEGIES = words<EmptyStrategy>({
  Ignore: EmptyStrategy.IGNORE,
  ReplaceWith: EmptyStrategy.REPLACE_WITH,
  DropRecord: EmptyStrategy.DROP_RECORD,
});
export const CAST_POLICIES = words<CastPolicy>({
  Fail: CastPolicy.FAIL,
  DropRecord: CastPolicy.DROP_RECORD,
  Null: CastPolicy.NULL,
  ReplaceWith: CastPolicy.REPLACE_WITH,
});
export const RANGE_STRATEGIES = words<RangeStrategy>({ DropRecord: RangeStrategy.DROP_RECORD, Clamp: RangeStrategy.CLAMP });
export const KEY_CONFLICTS = words<KeyConflict>({
  SourcePriority: KeyConflict.SOURCE_PRIORITY,
  DropAllConflicting: KeyConflict.DROP_ALL_CONFLICTING,
  GenerateKeys: KeyConflict.GENERATE_KEYS,
});
export const WITHIN_SOURCE = words<WithinSource>({ first: WithinSource.FIRST, last: WithinSource.LAST, drop: WithinSource.DROP });
export const NULL_REFERENCES = words<NullReference>({ keep: NullReference.KEEP, drop: NullReference.DROP });
export const UPLOAD_MODES = words<UploadMode>({ versioned: UploadMode.VERSIONED, replace: UploadMode.REPLACE });
export const FILE_FORMATS = words<FileFormat>({ csv: FileFormat.CSV, jsonl: FileFormat.JSONL });
export const SCOPES = words<SuppressScope>({
  column: SuppressScope.COLUMN,
  record: SuppressScope.RECORD,
  value: SuppressScope.VALUE,
  cell: SuppressScope.CELL,
});
export const METRICS = words<Metric>({
  loss: Metric.LOSS,
  nonUniformEntropy: Metric.NON_UNIFORM_ENTROPY,
  discernibility: Metric.DISCERNIBILITY,
  averageClassSize: Metric.AVERAGE_CLASS_SIZE,
  precision: Metric.PRECISION,
  height: Metric.HEIGHT,
});
export const AGGREGATES = words<Aggregate>({
  geometricMean: Aggregate.GEOMETRIC_MEAN,
  arithmeticMean: Aggregate.ARITHMETIC_MEAN,
  sum: Aggregate.SUM,
  maximum: Aggregate.MAXIMUM,
  rank: Aggregate.RANK,
});
export const DATE_UNITS = words<DateUnit>({
  day: DateUnit.DAY,
  month: DateUnit.MONTH,
  quarter: DateUnit.QUARTER,
  year: DateUnit.YEAR,
  decade: DateUnit.DECADE,
});
