import { BaseType, DataType, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { quoteIdentifier } from '../../plan/identifiers.ts';
import { columnOf, type Relation } from './relation.ts';
import { invariant } from '../../domain/defect.ts';

/**
 * A dictionary is an engine table with one row for each value of a column: `code`, `value`, and for each level i above 0 the label `l<i>` and
 * its number `g<i>`.
 */
export type Choice = { column: string; dictionary: string; level: number };

/** `sizes` are the numbers of codes at the chosen levels, in the order of `choices`; `table` holds the packed keys of suppressed classes. */
export type SuppressedClasses = { choices: Choice[]; sizes: number[]; table: string };

/** Keys stay below 2^62, so that no sum overflows the engine's BIGINT. */
const MAX_KEY = 2n ** 62n;

type Word = { index: number; stride: bigint }[];

/** Spreads the dimensions over as few BIGINT words as hold their product. */
const packWords = (sizes: readonly number[]): Word[] => {
  const words: Word[] = [];
  let word: Word = [];
  let product = 1n;
  for (const [index, size] of sizes.entries()) {
    if (product * BigInt(Math.max(1, size)) > MAX_KEY && word.length > 0) {
      words.push(word);
      word = [];
      product = 1n;
    }
    word.push({ index, stride: product });
    product *= BigInt(Math.max(1, size));
  }
  return [...words, word];
};

/** The packed keys of one class, word by word; `codes` in the order of `sizes`. */
export const packKey = (sizes: readonly number[], codes: readonly number[]): bigint[] =>
  packWords(sizes).map((word) => word.reduce((sum, { index, stride }) => sum + BigInt(codes[index] ?? 0) * stride, 0n));

/** The columns of a table of packed keys. */
export const keyColumns = (sizes: readonly number[]): { name: string; type: string }[] =>
  packWords(sizes).map((_, index) => ({ name: `_k${index}`, type: 'BIGINT' }));

const codeColumn = (level: number): string => (level === 0 ? 'code' : `g${level}`);

const alias = (index: number): string => `_d${index}`;

const keySql = (suppressed: SuppressedClasses, aliases: ReadonlyMap<string, string>): string[] =>
  packWords(suppressed.sizes).map((word) =>
    word
      .map(({ index, stride }) => {
        const choice = suppressed.choices[index];
        invariant(choice, 'a packed key has more parts than columns');
        return `CAST(${aliases.get(choice.column)}.${codeColumn(choice.level)} AS BIGINT) * ${stride}`;
      })
      .join(' + '),
  );

const generalizedColumn = (column: Column, choices: readonly Choice[]): Column =>
  choices.some(({ column: name, level }) => name === column.name && level > 0)
    ? { ...column, type: DataType.fromPartial({ base: BaseType.STRING }), range: undefined }
    : column;

/**
 * Generalize: each chosen column shows its label of the level (level 0 is the value itself, in its own type), and rows of suppressed classes
 * are left out by an anti-join on packed class keys.
 */
export const generalize = (table: string, relation: Relation, choices: readonly Choice[], suppressed?: SuppressedClasses): Relation => {
  const joined = choices.filter(({ level }) => level > 0);
  for (const choice of suppressed?.choices ?? []) if (!joined.some(({ column }) => column === choice.column)) joined.push(choice);
  const aliases = new Map(joined.map(({ column }, index): [string, string] => [column, alias(index)]));
  const joins = joined.map(({ column, dictionary }) => {
    const name = aliases.get(column) ?? '';
    const own = quoteIdentifier(columnOf(table, relation, column).name);
    return `LEFT JOIN ${quoteIdentifier(dictionary)} AS ${name} ON _rows.${own} IS NOT DISTINCT FROM ${name}.value`;
  });
  const shown = relation.columns.map((column) => {
    const own = quoteIdentifier(column.name);
    const choice = choices.find(({ column: name, level }) => name === column.name && level > 0);
    return choice === undefined ? `_rows.${own}` : `${aliases.get(column.name)}.l${choice.level} AS ${own}`;
  });
  const columns = relation.columns.map((column) => generalizedColumn(column, choices));
  const keys = suppressed === undefined ? [] : keySql(suppressed, aliases);
  const keyed = keys.map((sql, index) => `${sql} AS _k${index}`);
  const rows = `SELECT ${[...shown, ...keyed].join(', ')} FROM (${relation.query}) AS _rows ${joins.join(' ')}`;
  if (suppressed === undefined) return { query: rows, columns };
  const names = relation.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  const using = keys.map((_, index) => `_k${index}`).join(', ');
  return { query: `SELECT ${names} FROM (${rows}) ANTI JOIN ${quoteIdentifier(suppressed.table)} USING (${using})`, columns };
};
