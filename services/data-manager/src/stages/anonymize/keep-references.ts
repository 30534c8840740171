// Rows whose parent the anonymization removed: they go with it, until every reference of the result has its row.
import type { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Engine } from '../../engine/engine.ts';
import type { ResultReference } from '../../outbox/references.ts';
import { foreignKeyName } from '../../plan/foreign-key.ts';
import { quoteIdentifier, quoteNames } from '../../plan/identifiers.ts';
import { ROW_COLUMN, type Relation } from '../../privacy/steps/relation.ts';
import { invariant } from '../../domain/defect.ts';
import type { RuleCount } from '../stage-manifest.ts';

/** The rows that a table still has after its steps: their ids and the columns of its keys. */
const keptTable = (table: string): string => `_kept_${table}`;

/** The rows that a table has lost with their parents, over all rounds: `row_id`, `rule` (place of the foreign key). */
export const lostTable = (table: string): string => `_lost_${table}`;

/** The tables that refer to each other, of those that are published. */
export const linkedTables = (plan: readonly Table[]): Set<string> => {
  const published = new Set(plan.filter(({ unpublished }) => !unpublished).map(({ name }) => name));
  const linked = new Set<string>();
  for (const { name, foreignKeys } of plan)
    for (const { referencedTable } of foreignKeys)
      if (published.has(name) && published.has(referencedTable)) linked.add(name).add(referencedTable);
  return linked;
};

const keyColumns = (plan: readonly Table[], table: string, { columns }: Relation): string[] => {
  const named = new Set<string>();
  for (const { name, foreignKeys } of plan)
    for (const { columns: own, referencedTable, referencedColumns } of foreignKeys) {
      if (name === table) for (const column of own) named.add(column);
      if (referencedTable === table) for (const column of referencedColumns) named.add(column);
    }
  return columns.map(({ name }) => name).filter((name) => named.has(name));
};

/** Keeps the ids and keys of a table's rows for the search of orphans. */
export const keepKeys = async (engine: Engine, plan: readonly Table[], table: string, relation: Relation): Promise<void> => {
  const names = quoteNames([ROW_COLUMN.name, ...keyColumns(plan, table, relation)]);
  await engine.sql(`CREATE OR REPLACE TABLE ${quoteIdentifier(keptTable(table))} AS SELECT ${names} FROM (${relation.query})`);
};

/** An empty list of lost rows for each linked table. */
export const beginLost = async (engine: Engine, tables: ReadonlySet<string>): Promise<void> => {
  for (const table of tables)
    await engine.sql(`CREATE OR REPLACE TABLE ${quoteIdentifier(lostTable(table))} (row_id BIGINT, rule SMALLINT)`);
};

const countOf = async (engine: Engine, query: string): Promise<number> => Number((await engine.sql(query)).rows[0]?.[0] ?? 0);

/** Takes the rows without a parent out of one table; returns how many they were. */
const takeOrphans = async (
  engine: Engine,
  { table, columns, referencedTable, referencedColumns, index }: IndexedReference,
): Promise<number> => {
  const kept = quoteIdentifier(keptTable(table));
  const lost = quoteIdentifier(lostTable(table));
  const row = quoteIdentifier(ROW_COLUMN.name);
  const isPresent = columns.map((name) => `_child.${quoteIdentifier(name)} IS NOT NULL`).join(' AND ');
  const matches = columns
    .map((name, place) => `_child.${quoteIdentifier(name)} = _parent.${quoteIdentifier(referencedColumns[place] ?? '')}`)
    .join(' AND ');
  const before = await countOf(engine, `SELECT count(*) FROM ${lost}`);
  await engine.sql(
    `INSERT INTO ${lost} SELECT _child.${row}, CAST(${index} AS SMALLINT) FROM ${kept} AS _child ` +
      `ANTI JOIN ${quoteIdentifier(keptTable(referencedTable))} AS _parent ON ${matches} WHERE ${isPresent}`,
  );
  await engine.sql(`DELETE FROM ${kept} WHERE ${row} IN (SELECT row_id FROM ${lost})`);
  return (await countOf(engine, `SELECT count(*) FROM ${lost}`)) - before;
};

type IndexedReference = ResultReference & { index: number };

/** Takes rows out until no reference is without its row. Returns the tables that lost some. */
export const dropOrphans = async (engine: Engine, references: readonly IndexedReference[]): Promise<Set<string>> => {
  const losers = new Set<string>();
  let isChanged = true;
  while (isChanged) {
    isChanged = false;
    for (const reference of references) {
      if ((await takeOrphans(engine, reference)) === 0) continue;
      losers.add(reference.table);
      isChanged = true;
    }
  }
  return losers;
};

/** The rows that a table has lost, by foreign key. */
export const lostCounts = async (engine: Engine, table: Table): Promise<RuleCount[]> => {
  const { rows } = await engine.sql(`SELECT rule, count(*) FROM ${quoteIdentifier(lostTable(table.name))} GROUP BY rule ORDER BY rule`);
  return rows.map(([index, count]) => {
    const rule = table.foreignKeys[Number(index)];
    invariant(rule, 'a row was lost by a key that there is not');
    return { rule: foreignKeyName(rule), count: Number(count) };
  });
};

/** Drops the tables of the search, so that a later stage finds the engine empty. */
export const dropKept = async (engine: Engine, tables: ReadonlySet<string>): Promise<void> => {
  for (const table of tables)
    for (const name of [keptTable(table), lostTable(table)])
      await engine.sql(`DROP TABLE IF EXISTS ${quoteIdentifier(name)}`).catch(() => undefined);
};
