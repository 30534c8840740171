// A document whose shape was checked → the typed module.
import {
  AnonymizationPlan,
  type AnonymizationStep,
  type GeneralizedColumn,
  type PrivacyRequirement,
} from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import {
  FileRead,
  HttpRead,
  type Paging,
  type ProtocolEntry,
  ScriptBinding,
  TableRead,
} from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { CastPolicy, EmptyStrategy, type ForeignKeyRule, type PrimaryKeyRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { Column, Module, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { TableUpload } from '@lethe/contracts/gen/lethe/module/v1/upload';
import * as terms from './terms.ts';

/** A JSON object. */
export type Json = { [key: string]: unknown };

const text = (from: Json, key: string): string => (typeof from[key] === 'string' ? from[key] : '');
const number = (from: Json, key: string): number => (typeof from[key] === 'number' ? from[key] : 0);
const list = (from: Json, key: string): Json[] => (Array.isArray(from[key]) ? (from[key] as Json[]) : []);
const strings = (from: Json, key: string): string[] => (Array.isArray(from[key]) ? (from[key] as string[]) : []);
const part = (from: Json, key: string): Json | undefined => from[key] as Json | undefined;
const texts = (from: Json, key: string): Record<string, string> => (from[key] ?? {}) as Record<string, string>;

const readRequirement = (from: Json): PrivacyRequirement => ({
  models: [{ model: { $case: 'kAnonymity', value: { k: number(from, 'k') } } }],
  suppressionLimit: Number(text(from, 'suppressionLimit') || '0'),
  noneReason: '',
});

const readEmpty = (from: Json): Column['empty'] => {
  if (from['emptyStrategy'] === undefined && from['null'] === undefined) return undefined;
  return {
    nullMarkers: strings(from, 'null'),
    strategy: terms.EMPTY_STRATEGIES.toValue(text(from, 'emptyStrategy')) || EmptyStrategy.IGNORE,
    replacement: text(from, 'replacement'),
  };
};

const bound = (datatype: Json, key: string): string | undefined => (typeof datatype[key] === 'string' ? datatype[key] : undefined);

const readRange = (from: Json, datatype: Json): Column['range'] => {
  const range = {
    minimum: bound(datatype, 'minimum'),
    maximum: bound(datatype, 'maximum'),
    minExclusive: bound(datatype, 'minExclusive'),
    maxExclusive: bound(datatype, 'maxExclusive'),
  };
  if (Object.values(range).every((value) => value === undefined) && from['rangeStrategy'] === undefined) return undefined;
  return { ...range, strategy: terms.RANGE_STRATEGIES.toValue(text(from, 'rangeStrategy')) };
};

const readColumn = (from: Json): Column => {
  const datatype = part(from, 'datatype') ?? {};
  return Column.fromPartial({
    name: text(from, 'name'),
    description: text(from, 'description'),
    type: {
      base: terms.BASE_TYPES.toValue(text(datatype, 'base')),
      precision: number(datatype, 'decimalDigits'),
      scale: number(datatype, 'fractionDigits'),
    },
    role: terms.ROLES.toValue(text(from, 'role')),
    trim: from['trim'] === true,
    empty: readEmpty(from),
    cast:
      from['castPolicy'] === undefined
        ? undefined
        : { policy: terms.CAST_POLICIES.toValue(text(from, 'castPolicy')) || CastPolicy.FAIL, replacement: text(from, 'castReplacement') },
    range: readRange(from, datatype),
  });
};

const readPrimaryKey = (from: Json): PrimaryKeyRule | undefined => {
  if (from['primaryKey'] === undefined) return undefined;
  return {
    columns: strings(from, 'primaryKey'),
    conflict: terms.KEY_CONFLICTS.toValue(text(from, 'primaryKeyConflict')),
    withinSource: terms.WITHIN_SOURCE.toValue(text(from, 'withinSource')),
  };
};

const readForeignKey = (from: Json): ForeignKeyRule => {
  const reference = part(from, 'reference') ?? {};
  return {
    columns: strings(from, 'columnReference'),
    referencedTable: text(reference, 'resource'),
    referencedColumns: strings(reference, 'columnReference'),
    nullReference: terms.NULL_REFERENCES.toValue(text(from, 'nullReference')),
  };
};

const readTable = (from: Json): Table => {
  const requires = part(from, 'requires');
  const none: PrivacyRequirement | undefined =
    from['privacy'] === 'none' ? { models: [], suppressionLimit: 0, noneReason: text(from, 'noneReason') } : undefined;
  return Table.fromPartial({
    name: text(from, 'name'),
    columns: list(from, 'columns').map(readColumn),
    primaryKey: readPrimaryKey(from),
    foreignKeys: list(from, 'foreignKeys').map(readForeignKey),
    privacy: requires ? readRequirement(requires) : none,
    unpublished: from['unpublished'] === true,
  });
};

const readPaging = (from: Json): Paging => {
  const [page, offset, token] = [part(from, 'pageNumber'), part(from, 'offset'), part(from, 'token')];
  if (page) return { kind: { $case: 'pageNumber', value: { parameter: text(page, 'parameter'), first: number(page, 'first') } } };
  if (offset)
    return {
      kind: {
        $case: 'offset',
        value: {
          offsetParameter: text(offset, 'offsetParameter'),
          limitParameter: text(offset, 'limitParameter'),
          limit: number(offset, 'limit'),
        },
      },
    };
  return {
    kind: { $case: 'token', value: { parameter: text(token ?? {}, 'parameter'), tokenPointer: text(token ?? {}, 'tokenPointer') } },
  };
};

const readCollect = (from: Json): ProtocolEntry['collect'] => {
  const connectionId = text(from, 'connection');
  const [table, file, http] = [part(from, 'tableRead'), part(from, 'fileRead'), part(from, 'httpRead')];
  if (table)
    return {
      $case: 'tableRead',
      value: TableRead.fromPartial({
        connectionId,
        schema: text(table, 'schema'),
        table: text(table, 'table'),
        columns: texts(table, 'columnMapping'),
      }),
    };
  if (file) {
    const csv = part(file, 'csv');
    return {
      $case: 'fileRead',
      value: FileRead.fromPartial({
        connectionId,
        path: text(file, 'path'),
        format: terms.FILE_FORMATS.toValue(text(file, 'format')),
        csv: csv && { delimiter: text(csv, 'delimiter'), quote: text(csv, 'quote'), header: strings(csv, 'header') },
        columns: texts(file, 'columnMapping'),
      }),
    };
  }
  if (http) {
    const paging = part(http, 'paging');
    return {
      $case: 'httpRead',
      value: HttpRead.fromPartial({
        connectionId,
        path: text(http, 'path'),
        query: texts(http, 'query'),
        rowsPointer: text(http, 'rowsPointer'),
        paging: paging && readPaging(paging),
        columns: texts(http, 'columnMapping'),
      }),
    };
  }
  const binding = {
    table: text(from, 'table'),
    script: { scriptId: text(from, 'script'), version: number(from, 'scriptVersion') },
    connectionId,
    rank: number(from, 'rank'),
    parameters: texts(from, 'parameters'),
  };
  return { $case: 'script', value: ScriptBinding.fromPartial(binding) };
};

const readEntry = (from: Json): ProtocolEntry => {
  const collect = readCollect(from);
  const byScript = collect?.$case === 'script';
  return { table: byScript ? '' : text(from, 'table'), rank: byScript ? 0 : number(from, 'rank'), collect };
};

const readScheme = (from: Json): GeneralizedColumn['scheme'] => {
  const [intervals, prefix] = [part(from, 'intervals'), part(from, 'prefix')];
  if (intervals)
    return {
      $case: 'intervals',
      value: {
        origin: text(intervals, 'origin'),
        width: text(intervals, 'width'),
        factor: number(intervals, 'factor'),
        levels: number(intervals, 'levels'),
      },
    };
  if (prefix) return { $case: 'prefix', value: { length: number(prefix, 'length'), step: number(prefix, 'step') } };
  if (from['units']) return { $case: 'dates', value: { units: strings(from, 'units').map(terms.DATE_UNITS.toValue) } };
  return { $case: 'hierarchy', value: text(from, 'hierarchy') };
};

const readOperation = (from: Json): AnonymizationStep['operation'] => {
  const [generalize, suppress, pseudonymize] = [part(from, 'generalize'), part(from, 'suppress'), part(from, 'pseudonymize')];
  if (generalize) {
    const search = part(generalize, 'search');
    const columns = list(generalize, 'generalized').map((column) => ({
      column: text(column, 'column'),
      scheme: readScheme(column),
      level: column['level'] as number | undefined,
    }));
    return {
      $case: 'generalize',
      value: {
        columns,
        search: search && {
          metric: terms.METRICS.toValue(text(search, 'metric')),
          aggregate: terms.AGGREGATES.toValue(text(search, 'aggregate')),
        },
      },
    };
  }
  if (suppress)
    return {
      $case: 'suppress',
      value: {
        scope: terms.SCOPES.toValue(text(suppress, 'scope')),
        columns: strings(suppress, 'suppressed'),
        values: strings(suppress, 'values'),
      },
    };
  return {
    $case: 'pseudonymize',
    value: {
      columns: strings(pseudonymize ?? {}, 'pseudonymized'),
      domain: text(pseudonymize ?? {}, 'domain'),
      length: number(pseudonymize ?? {}, 'length'),
    },
  };
};

const readAnonymization = (from: Json): AnonymizationPlan => {
  const byTable = (part(from, 'requirements')?.['byTable'] ?? {}) as Record<string, Json>;
  return AnonymizationPlan.fromPartial({
    steps: list(from, 'steps').map((step) => ({ table: text(step, 'table'), rank: number(step, 'rank'), operation: readOperation(step) })),
    hierarchies: list(from, 'hierarchies').map((hierarchy) => ({
      name: text(hierarchy, 'name'),
      table: text(hierarchy, 'table'),
      rows: ((hierarchy['rows'] ?? []) as string[][]).map((levels) => ({ levels })),
    })),
    requirements: Object.fromEntries(Object.entries(byTable).map(([table, requirement]) => [table, readRequirement(requirement)])),
  });
};

const readUpload = (from: Json): TableUpload =>
  TableUpload.fromPartial({
    table: text(from, 'table'),
    connectionId: text(from, 'connection'),
    mode: terms.UPLOAD_MODES.toValue(text(from, 'mode')),
    schema: text(from, 'schema'),
    target: text(from, 'target'),
    format: terms.FILE_FORMATS.toValue(text(from, 'format')),
  });

/** Reads a document whose shape has been checked. */
export const readModule = (from: Json): Module => {
  const [anonymization, provenance] = [part(from, 'anonymization'), part(from, 'provenance')];
  return Module.fromPartial({
    name: text(from, 'name'),
    description: text(from, 'description'),
    license: text(from, 'license'),
    creator: text(from, 'creator'),
    keywords: strings(from, 'keywords'),
    tables: list(from, 'tables').map(readTable),
    protocol: from['protocol'] ? { entries: list(from, 'protocol').map(readEntry) } : undefined,
    upload: from['upload'] ? { tables: list(from, 'upload').map(readUpload) } : undefined,
    anonymization: anonymization && readAnonymization(anonymization),
    provenance: provenance && {
      version: text(provenance, 'version'),
      previousVersion: text(provenance, 'previousVersion'),
      runId: text(provenance, 'run'),
      moduleId: text(provenance, 'module'),
      contentHashes: texts(provenance, 'contentHashes'),
    },
  });
};
