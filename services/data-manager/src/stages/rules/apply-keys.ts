import { KeyConflict } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { generatedKeyColumn, planForeignKeys, type ForeignKeyPlan } from '@lethe/module/key-plan';
import type { Engine } from '../../engine/engine.ts';
import { newKeySql, type CleanPlan, type KeyReplacement } from '../../plan/project.ts';
import { DUCKDB } from '../../plan/dialect.ts';
import { rowDigestSql } from '../../outbox/content-hash.ts';
import { foreignKeyName, linkStatement, orphansStatement, removeOrphansStatements } from '../../plan/foreign-key.ts';
import { quoteIdentifier, quoteNames } from '../../plan/identifiers.ts';
import { KEY_RULES, CONTENT_COLUMN, keyColumns, keyTables, linkTable } from '../../plan/key-tables.ts';
import {
  fellBackQuery,
  keylessQuery,
  needsEarlyRows,
  primaryKeyStatements,
  removeDroppedStatement,
  type GeneratedKey,
} from '../../plan/primary-key.ts';
import type { RuleCount } from '../stage-manifest.ts';
import { invariant } from '../../domain/defect.ts';
import { stageError } from '../../domain/run-error.ts';

/** What the key rules did to one table, and what its final projection needs of them. */
export type KeyResult = {
  droppedTable: string | undefined;
  replacements: KeyReplacement[];
  dropped: RuleCount[];
  mergedCount: number;
  fellBackCount: number;
};

/** A table with the SQL of its rows: `row_id` and texts, before any rule. */
export type KeyInput = { table: Table; clean: CleanPlan; source: string };

const NO_KEYS: KeyResult = { droppedTable: undefined, replacements: [], dropped: [], mergedCount: 0, fellBackCount: 0 };

const countOf = async (engine: Engine, query: string): Promise<number> => Number((await engine.sql(query)).rows[0]?.[0] ?? 0);

const loadKeys = async (engine: Engine, input: KeyInput, columns: readonly string[]): Promise<void> => {
  const names = keyTables(input.table.name);
  const rule = input.table.primaryKey;
  const clean = input.clean.query(input.source);
  const keys = quoteIdentifier(names.keys);
  const content = rule?.conflict === KeyConflict.GENERATE_KEYS ? `, ${rowDigestSql(input.table.columns)} AS ${CONTENT_COLUMN}` : '';
  const kept = `SELECT row_id, ${quoteNames(columns)}${content} FROM`;
  if (rule === undefined || !needsEarlyRows(rule) || input.clean.rowRules.length === 0) {
    await engine.sql(`CREATE OR REPLACE TABLE ${keys} AS ${kept} (${clean}) WHERE _dropped IS NULL`);
    return;
  }
  const all = quoteIdentifier(`_all_${input.table.name}`);
  await engine.sql(`CREATE OR REPLACE TABLE ${all} AS SELECT row_id, _dropped, ${quoteNames(columns)} FROM (${clean})`);
  await engine.sql(`CREATE OR REPLACE TABLE ${keys} AS ${kept} ${all} WHERE _dropped IS NULL`);
  const early = `SELECT row_id, ${quoteNames(rule.columns)} FROM ${all} WHERE _dropped IS NOT NULL`;
  await engine.sql(`CREATE OR REPLACE TABLE ${quoteIdentifier(names.early)} AS ${early}`);
  await engine.sql(`DROP TABLE ${all}`);
};

const generatedKeyOf = (table: Table): GeneratedKey | undefined => {
  const column = table.columns.find(({ name }) => name === generatedKeyColumn(table));
  return column && { column: column.name, numberSql: (number) => newKeySql(number, column, DUCKDB) };
};

const applyPrimaryKey = async (engine: Engine, input: KeyInput): Promise<number> => {
  const { table, clean } = input;
  const generated = generatedKeyOf(table);
  for (const statement of primaryKeyStatements(table.name, table.primaryKey, generated)) await engine.sql(statement);
  if (generated !== undefined) {
    const count = await countOf(engine, keylessQuery(table.name));
    if (count > 0) throw stageError('KEYS_EXHAUSTED', { table: table.name, column: generated.column, count });
  }
  const counts = table.primaryKey !== undefined && needsEarlyRows(table.primaryKey) && clean.rowRules.length > 0;
  const fellBackCount = counts && table.primaryKey !== undefined ? await countOf(engine, fellBackQuery(table.name, table.primaryKey)) : 0;
  await engine.sql(removeDroppedStatement(table.name));
  return fellBackCount;
};

/**
 * Repeats rounds until no row is an orphan. Each round judges every table by the rows at its beginning, so that neither the order of
 * tables nor of rows matters; it ends because every round but the last takes rows out.
 */
const dropOrphans = async (engine: Engine, plans: readonly ForeignKeyPlan[]): Promise<void> => {
  let lost: Set<string> | undefined;
  for (;;) {
    const active = plans.filter((plan) => lost === undefined || lost.has(plan.rule.referencedTable));
    const tables = [...new Set(active.map((plan) => plan.table))];
    const orphaned = new Set<string>();
    for (const table of tables) {
      const own = active.filter((plan) => plan.table === table);
      await engine.sql(orphansStatement(table, own, lost === undefined));
      if ((await countOf(engine, `SELECT count(*) FROM ${quoteIdentifier(keyTables(table).orphans)}`)) > 0) orphaned.add(table);
    }
    for (const table of orphaned) for (const statement of removeOrphansStatements(table)) await engine.sql(statement);
    if (orphaned.size === 0) return;
    lost = orphaned;
  }
};

const ruleName = (table: Table, code: number): string => {
  if (code === KEY_RULES.primaryKey) return 'primary_key';
  const rule = table.foreignKeys[code - KEY_RULES.firstForeignKey];
  invariant(rule, 'a row was dropped by a rule that there is not');
  return foreignKeyName(rule);
};

const collectResult = async (engine: Engine, table: Table, plans: readonly ForeignKeyPlan[], fellBackCount: number): Promise<KeyResult> => {
  const names = keyTables(table.name);
  const { rows } = await engine.sql(`SELECT rule, count(*) FROM ${quoteIdentifier(names.dropped)} GROUP BY rule ORDER BY rule`);
  const counts = rows.map(([code, count]) => ({ code: Number(code), count: Number(count) }));
  const generated = generatedKeyColumn(table);
  const links = plans.filter((plan) => plan.table === table.name && plan.follows !== undefined);
  return {
    droppedTable: names.dropped,
    replacements: [
      ...(generated === undefined ? [] : [{ column: generated, table: names.generated }]),
      ...links.map((plan) => ({ column: plan.follows ?? '', table: linkTable(plan.table, plan.index) })),
    ],
    dropped: counts
      .filter((entry) => entry.code !== KEY_RULES.merged)
      .map((entry) => ({ rule: ruleName(table, entry.code), count: entry.count })),
    mergedCount: counts.find((entry) => entry.code === KEY_RULES.merged)?.count ?? 0,
    fellBackCount,
  };
};

/**
 * Applies primary keys, then foreign keys across tables to a fixpoint, on key columns and row ids alone. Returns the result for each
 * table by name; what it dropped stands in the engine's table `droppedTable`.
 */
export const applyKeys = async (engine: Engine, inputs: readonly KeyInput[]): Promise<Map<string, KeyResult>> => {
  const tables = inputs.map((input) => input.table);
  const generated = new Map(tables.map((table) => [table.name, generatedKeyColumn(table)]));
  const plans = planForeignKeys(tables, (name) => generated.get(name));
  const keyed = inputs.filter((input) => keyColumns(input.table, tables).length > 0);
  const fellBack = new Map<string, number>();
  for (const input of keyed) {
    await loadKeys(engine, input, keyColumns(input.table, tables));
    fellBack.set(input.table.name, await applyPrimaryKey(engine, input));
  }
  for (const plan of plans) if (plan.follows !== undefined) await engine.sql(linkStatement(plan));
  await dropOrphans(engine, plans);
  const results = new Map<string, KeyResult>();
  for (const { table } of inputs) {
    const fell = fellBack.get(table.name);
    results.set(table.name, fell === undefined ? NO_KEYS : await collectResult(engine, table, plans, fell));
  }
  return results;
};

/** Drops the tables of the key rules, so that a later stage finds the engine empty. */
export const dropKeyTables = async (engine: Engine, tables: readonly Table[]): Promise<void> => {
  const names = tables.flatMap((table) => [
    ...Object.values(keyTables(table.name)),
    ...table.foreignKeys.map((_, index) => linkTable(table.name, index)),
  ]);
  for (const name of names) await engine.sql(`DROP TABLE IF EXISTS ${quoteIdentifier(name)}`);
};
