import { KeyConflict, WithinSource, type PrimaryKeyRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { quoteIdentifier, quoteNames } from './identifiers.ts';
import { CONTENT_COLUMN, KEY_RULES, keyTables } from './key-tables.ts';
import { rankSql } from './row-id.ts';
import { defect } from '../domain/defect.ts';

const equal = (columns: readonly string[], left: string, right: string): string =>
  columns.map((column) => `${left}.${quoteIdentifier(column)} = ${right}.${quoteIdentifier(column)}`).join(' AND ');

const anyNull = (columns: readonly string[], alias: string): string =>
  columns.map((column) => `${alias}.${quoteIdentifier(column)} IS NULL`).join(' OR ');

const create = (name: string, query: string): string => `CREATE OR REPLACE TABLE ${quoteIdentifier(name)} AS ${query}`;

const CANDIDATES: Record<WithinSource, { pick: 'min' | 'max'; only: string }> = {
  [WithinSource.UNSPECIFIED]: { pick: 'min', only: '' },
  [WithinSource.FIRST]: { pick: 'min', only: '' },
  [WithinSource.LAST]: { pick: 'max', only: '' },
  [WithinSource.DROP]: { pick: 'min', only: 'HAVING count(*) = 1' },
};

/** One row a key and source: its first or last row, and how many rows of the source share the key. */
const candidates = (keys: string, columns: string, withinSource: WithinSource): string => {
  const { pick, only } = CANDIDATES[withinSource];
  return `SELECT ${columns}, ${pick}(row_id) AS row_id FROM ${keys} GROUP BY ${columns}, ${rankSql('row_id')} ${only}`;
};

/** The row of the best rank stays; a row id begins with the rank, so the lowest of the candidates is it. */
const sourcePriority = (table: string, rule: PrimaryKeyRule): string[] => {
  const names = keyTables(table);
  const keys = quoteIdentifier(names.keys);
  const columns = quoteNames(rule.columns);
  const present = `(SELECT * FROM ${keys} AS _present WHERE NOT (${anyNull(rule.columns, '_present')}))`;
  const winners = `SELECT ${columns}, min(row_id) AS row_id FROM (${candidates(present, columns, rule.withinSource)}) GROUP BY ${columns}`;
  const tied = `SELECT ${columns}, ${rankSql('row_id')} AS _rank FROM ${present} GROUP BY ${columns}, ${rankSql('row_id')} HAVING count(*) > 1`;
  const isTied = `EXISTS (SELECT 1 FROM (${tied}) _tied WHERE ${equal(rule.columns, '_tied', '_key')} AND _tied._rank = ${rankSql('_key.row_id')})`;
  const isDropped =
    rule.withinSource === WithinSource.DROP ? `(${anyNull(rule.columns, '_key')}) OR ${isTied}` : anyNull(rule.columns, '_key');
  return [
    create(names.winners, winners),
    create(
      names.dropped,
      `SELECT _key.row_id, CAST(CASE WHEN ${isDropped} THEN ${KEY_RULES.primaryKey} ELSE ${KEY_RULES.merged} END AS SMALLINT) AS rule ` +
        `FROM ${keys} _key WHERE NOT EXISTS (SELECT 1 FROM ${quoteIdentifier(names.winners)} _winner WHERE _winner.row_id = _key.row_id)`,
    ),
  ];
};

const dropAllConflicting = (table: string, rule: PrimaryKeyRule): string[] => {
  const names = keyTables(table);
  const keys = quoteIdentifier(names.keys);
  const columns = quoteNames(rule.columns);
  const conflicting = `SELECT ${columns} FROM ${keys} GROUP BY ${columns} HAVING count(*) > 1`;
  return [
    create(
      names.dropped,
      `SELECT _key.row_id, CAST(${KEY_RULES.primaryKey} AS SMALLINT) AS rule FROM ${keys} _key WHERE ${anyNull(rule.columns, '_key')} ` +
        `OR EXISTS (SELECT 1 FROM (${conflicting}) _conflict WHERE ${equal(rule.columns, '_conflict', '_key')})`,
    ),
  ];
};

/** The column that new keys go into, and the SQL of the n-th number in its type: NULL where it has no room there. */
export type GeneratedKey = { column: string; numberSql: (number: string) => string };

/**
 * New keys for the rows whose key occurs more than once: the smallest numbers that no row has in that column, in the order of old key, source and
 * content, so that the same content gets the same keys whatever the order of its rows. Rows with a key of their own keep it.
 */
const generateKeys = (table: string, rule: PrimaryKeyRule, { column, numberSql }: GeneratedKey): string[] => {
  const names = keyTables(table);
  const keys = quoteIdentifier(names.keys);
  const columns = quoteNames(rule.columns);
  const name = quoteIdentifier(column);
  const present = `(SELECT * FROM ${keys} AS _present WHERE NOT (${anyNull(rule.columns, '_present')}))`;
  const shared = `SELECT *, count(*) OVER (PARTITION BY ${columns}) AS _shared FROM ${present}`;
  const order = `${columns}, ${rankSql('row_id')}, ${CONTENT_COLUMN}, row_id`;
  const conflicting = `SELECT row_id, row_number() OVER (ORDER BY ${order}) AS _place FROM (${shared}) WHERE _shared > 1`;
  const numbers = `SELECT _number, ${numberSql('_number')} AS _key FROM range(1, (SELECT 2 * count(*) + 1 FROM ${keys})) AS _numbers(_number)`;
  const free = `SELECT _number, row_number() OVER (ORDER BY _number) AS _place FROM (${numbers}) WHERE _key IS NOT NULL AND _key NOT IN (SELECT ${name} FROM ${present})`;
  return [
    create(
      names.dropped,
      `SELECT _key.row_id, CAST(${KEY_RULES.primaryKey} AS SMALLINT) AS rule FROM ${keys} _key WHERE ${anyNull(rule.columns, '_key')}`,
    ),
    create(
      names.generated,
      `SELECT _row.row_id, _free._number AS new_key FROM (${conflicting}) _row LEFT JOIN (${free}) _free ON _free._place = _row._place`,
    ),
  ];
};

/** Counts the rows for which there was no new key. */
export const keylessQuery = (table: string): string =>
  `SELECT count(*) FROM ${quoteIdentifier(keyTables(table).generated)} WHERE new_key IS NULL`;

/** The rows of a key were made one before the rules, so that only those without a key are left to be dropped. */
const dropKeyless = (table: string, rule: PrimaryKeyRule): string[] => {
  const names = keyTables(table);
  const isKeyless = anyNull(rule.columns, '_key');
  return [
    create(
      names.dropped,
      `SELECT _key.row_id, CAST(${KEY_RULES.primaryKey} AS SMALLINT) AS rule FROM ${quoteIdentifier(names.keys)} _key WHERE ${isKeyless}`,
    ),
  ];
};

/** An empty table of dropped rows, for tables without a primary key. */
const nothingDropped = (table: string): string =>
  create(keyTables(table).dropped, 'SELECT CAST(0 AS BIGINT) AS row_id, CAST(0 AS SMALLINT) AS rule WHERE false');

/** Statements that fill the tables `dropped`, and `winners` or `generated`, from `keys`. A NULL in a key drops its row. */
export const primaryKeyStatements = (table: string, rule: PrimaryKeyRule | undefined, generated: GeneratedKey | undefined): string[] => {
  switch (rule?.conflict) {
    case undefined:
      return [nothingDropped(table)];
    case KeyConflict.SOURCE_PRIORITY:
      return sourcePriority(table, rule);
    case KeyConflict.DROP_ALL_CONFLICTING:
      return dropAllConflicting(table, rule);
    case KeyConflict.GENERATE_KEYS:
      if (generated === undefined) throw defect('no column can hold generated keys');
      return generateKeys(table, rule, generated);
    case KeyConflict.FILL:
      return dropKeyless(table, rule);
    case KeyConflict.UNSPECIFIED:
      throw defect('a primary key has no rule for conflicts');
  }
};

/** Takes the dropped rows out of `keys`. */
export const removeDroppedStatement = (table: string): string => {
  const names = keyTables(table);
  return `DELETE FROM ${quoteIdentifier(names.keys)} WHERE row_id IN (SELECT row_id FROM ${quoteIdentifier(names.dropped)})`;
};

/** Whether rows that earlier rules dropped are needed: only with priorities is there a source that one falls back from. */
export const needsEarlyRows = (rule: PrimaryKeyRule | undefined): boolean => rule?.conflict === KeyConflict.SOURCE_PRIORITY;

/**
 * Counts the keys that fell back: the best ranked source that has the key had a row which an earlier rule dropped, no other row of
 * that source stayed, and a row of another source is in its place. To be run before the dropped rows leave `keys`.
 */
export const fellBackQuery = (table: string, rule: PrimaryKeyRule): string => {
  const names = keyTables(table);
  const columns = quoteNames(rule.columns);
  const best = (name: string): string => `(SELECT ${columns}, min(row_id) AS row_id FROM ${quoteIdentifier(name)} GROUP BY ${columns})`;
  return (
    `SELECT count(*) FROM ${best(names.early)} _early JOIN ${best(names.keys)} _kept ON ${equal(rule.columns, '_early', '_kept')} ` +
    `JOIN ${quoteIdentifier(names.winners)} _winner ON ${equal(rule.columns, '_early', '_winner')} ` +
    `WHERE ${rankSql('_kept.row_id')} > ${rankSql('_early.row_id')}`
  );
};
