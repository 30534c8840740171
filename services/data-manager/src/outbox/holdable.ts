// Values that the engine has and that no target takes: found before the review, not by the target after it.
import { BaseType, type Column, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { stageError } from '../domain/run-error.ts';
import type { Engine } from '../engine/engine.ts';
import { quoteIdentifier, quoteLiteral } from '../plan/identifiers.ts';
import { columnType } from '../plan/types.ts';
import { parseNative } from '@lethe/module/native-type';

/** What is wrong with a value, as SQL and in words. */
type Problem = { condition: (value: string) => string; what: string };

const NUL = 'chr(0)';
// An escape after an even number of backslashes is one.
const ESCAPED_NUL = String.raw`(^|[^\\])(\\\\)*\\u0000`;

const TEXT: Problem = { condition: (value) => `contains(${value}, ${NUL})`, what: 'texts with a NUL character (U+0000)' };
const JSON_TEXT: Problem = {
  condition: (value) => `contains(${value}, ${NUL}) OR regexp_matches(${value}, ${quoteLiteral(ESCAPED_NUL)})`,
  what: 'JSON texts with a NUL character (U+0000)',
};
const before = (first: string): Problem => ({
  condition: (value) => `isfinite(${value}) AND ${value} < ${first}`,
  what: 'dates before the year 1',
});

const PROBLEMS: Partial<Record<BaseType, Problem>> = {
  [BaseType.STRING]: TEXT,
  [BaseType.JSON]: JSON_TEXT,
  [BaseType.DATE]: before("DATE '0001-01-01'"),
  [BaseType.DATETIME]: before("TIMESTAMP '0001-01-01'"),
  [BaseType.DATETIMESTAMP]: before("TIMESTAMPTZ '0001-01-01 00:00:00+00'"),
};

const INTEGER_BITS: Record<string, number> = { smallint: 15, int2: 15, integer: 31, int: 31, int4: 31 };
const TEXTS = ['character varying', 'varchar', 'character', 'char'];

/** What a native type does not take of its base type: numbers beyond it, and longer texts. */
const nativeProblem = ({ native: text }: DataType): Problem | undefined => {
  const native = text === '' ? undefined : parseNative(text);
  if (!native || native.isArray) return undefined;
  const bits = INTEGER_BITS[native.name];
  if (bits !== undefined) {
    const limit = 2 ** bits;
    return { condition: (value) => `${value} NOT BETWEEN ${-limit} AND ${limit - 1}`, what: `numbers beyond ${native.name}` };
  }
  const [length] = native.parameters;
  if (length === undefined || !TEXTS.includes(native.name)) return undefined;
  // Blanks at the end of a longer text are cut off by the server.
  return { condition: (value) => `length(rtrim(${value}, ' ')) > ${length}`, what: `texts of more than ${length} characters` };
};

const problemsOf = (type: DataType): Problem[] => [PROBLEMS[type.base], nativeProblem(type)].filter((problem) => problem !== undefined);

/** Throws TARGET_CANNOT_HOLD with table, columns and counts where rows hold such values. */
export const assertHoldable = async (engine: Engine, table: string, rows: string, columns: readonly Column[]): Promise<void> => {
  const checked = columns.flatMap((column) => problemsOf(columnType(column)).map((problem) => ({ column, problem })));
  if (checked.length === 0) return;
  const counts = checked.map(({ column, problem }) => `count(*) FILTER (${problem.condition(quoteIdentifier(column.name))})`);
  const [found = []] = (await engine.sql(`SELECT ${counts.join(', ')} FROM (${rows})`)).rows;
  const failures = checked.flatMap(({ column, problem }, index) =>
    found[index] === '0' ? [] : [`column ${column.name}: ${String(found[index])} ${problem.what}`],
  );
  if (failures.length > 0) throw stageError('TARGET_CANNOT_HOLD', { table, failures: failures.join('; ') });
};
