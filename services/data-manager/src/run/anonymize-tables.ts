// ANONYMIZING: the plan's steps in their order, table by table. What comes out is numbered afresh over its content.
import type { AnonymizationStep, Hierarchy, Pseudonymize } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { BaseType, Column, Role, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { join } from 'node:path';
import type { RunKeys } from '../keys/wrap.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier, quoteList, quoteNames } from '../plan/identifiers.ts';
import { columnType, writeTextSql } from '../plan/types.ts';
import { assertBalance } from './conserve.ts';
import { writeFindings, type Findings } from './findings.ts';
import { generalize } from './generalize.ts';
import { describeSegment, emptyCounts, readManifest, type StageTable, type TableCounts } from './manifest.ts';
import { tokenSql } from './pseudonym-token.ts';
import { runIntoFolder, type StageContext } from './stage.ts';
import { suppressStep } from './suppress.ts';

const STAGE = 'anonymize';

/** A table on its way: the relation that holds its rows in the engine, and its columns. */
type State = { relation: string; columns: Column[]; findings: Findings };

const textOf = (column: Column): string => writeTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB);

const countRows = async ({ engine }: StageContext, relation: string): Promise<number> =>
  Number((await engine.sql(`SELECT count(*) FROM ${relation}`)).rows[0]?.[0] ?? 0);

const pseudonymize = (
  columns: readonly Column[],
  { columns: names, domain, length }: Pseudonymize,
  keys: RunKeys,
): { columns: Column[]; select: string } => {
  const key = keys.pseudonymKey(domain || (names[0] ?? ''));
  const select = columns.map((column) =>
    names.includes(column.name)
      ? `${tokenSql(textOf(column), key, length)} AS ${quoteIdentifier(column.name)}`
      : quoteIdentifier(column.name),
  );
  const token = (column: Column): Column =>
    Column.fromPartial({ ...column, type: { base: BaseType.STRING, precision: 0, scale: 0 }, role: Role.PSEUDONYM, range: undefined });
  return { columns: columns.map((column) => (names.includes(column.name) ? token(column) : column)), select: select.join(', ') };
};

const largestK = (table: Table): number =>
  Math.max(0, ...(table.privacy?.models ?? []).map(({ model }) => (model?.$case === 'kAnonymity' ? model.value.k : 0)));

const applyStep = async (
  context: StageContext,
  { relation, columns, findings }: State,
  table: Table,
  { operation }: AnonymizationStep,
  hierarchies: readonly Hierarchy[],
  keys: RunKeys,
): Promise<Omit<State, 'relation'> & { query: string }> => {
  if (operation?.$case === 'generalize') {
    const done = await generalize(context, relation, columns, table, operation.value, hierarchies);
    const searched = done.metric === '' ? {} : { metric: done.metric, loss: done.loss };
    return {
      columns: done.columns,
      query: done.query,
      findings: { ...findings, levels: [...findings.levels, ...done.levels], ...searched },
    };
  }
  if (operation?.$case === 'suppress') {
    const quasi = columns.filter(({ role }) => role === Role.QUASI_IDENTIFYING).map(({ name }) => name);
    return { ...suppressStep(relation, columns, operation.value, textOf, quasi, largestK(table)), findings };
  }
  if (operation?.$case === 'pseudonymize') {
    const { columns: changed, select } = pseudonymize(columns, operation.value, keys);
    return { columns: changed, query: `SELECT ${select} FROM ${relation}`, findings };
  }
  throw new Error(`A step of table ${table.name} says no operation.`);
};

const sourceQuery = ({ directory }: StageContext, { columns, segments }: StageTable): string => {
  if (segments.length === 0)
    return `SELECT ${columns.map(({ name }) => `CAST(NULL AS VARCHAR) AS ${quoteIdentifier(name)}`).join(', ')} WHERE false`;
  const paths = segments.map(({ path }) => join(directory, path));
  return `SELECT ${quoteNames(columns.map(({ name }) => name))} FROM read_parquet(${quoteList(paths)})`;
};

const runSteps = async (
  context: StageContext,
  source: StageTable,
  table: Table,
  keys: RunKeys,
  hierarchies: readonly Hierarchy[],
): Promise<State> => {
  const { engine, plan } = context;
  await engine.sql(`CREATE OR REPLACE VIEW step_0 AS ${sourceQuery(context, source)}`);
  const intoAnonymizing = await countRows(context, 'step_0');
  let state: State = {
    relation: 'step_0',
    columns: source.columns,
    findings: { intoAnonymizing, suppressed: 0, metric: '', loss: 0, levels: [] },
  };
  for (const [index, step] of plan.steps.filter((candidate) => candidate.table === source.table).entries()) {
    context.signal.throwIfAborted();
    const { query, columns, findings } = await applyStep(context, state, table, step, hierarchies, keys);
    const relation = `step_${index + 1}`;
    await engine.sql(`CREATE OR REPLACE TABLE ${relation} AS ${query}`);
    if (index > 0) await engine.sql(`DROP TABLE ${state.relation}`);
    state = { relation, columns, findings };
  }
  const left = await countRows(context, state.relation);
  return { ...state, findings: { ...state.findings, suppressed: intoAnonymizing - left } };
};

/** Writes the rows in the order of their content, with ids from 1: nothing of where they came from is left. */
const writeTable = async (context: StageContext, folder: string, table: string, { relation, columns }: State): Promise<StageTable> => {
  const file = `${table}-0.parquet`;
  const names = quoteNames(columns.map(({ name }) => name));
  const order = columns.map((column) => `${textOf(column)} NULLS FIRST`).join(', ');
  const query = `SELECT row_number() OVER (ORDER BY ${order}) AS row_id, ${names} FROM ${relation} ORDER BY row_id`;
  const { rowCount } = await context.engine.copyOut(query, join(folder, file), 'parquet');
  return { table, columns, segments: [await describeSegment(join(folder, file), `${STAGE}/${file}`, rowCount)] };
};

/** Hierarchies whose rows are in a collected table are read from it: its columns are the levels, in order. */
const readHierarchies = async (context: StageContext, tables: readonly StageTable[]): Promise<Hierarchy[]> => {
  const hierarchies: Hierarchy[] = [];
  for (const hierarchy of context.plan.hierarchies) {
    const source = tables.find(({ table }) => table === hierarchy.table);
    if (hierarchy.table === '' || !source) {
      hierarchies.push(hierarchy);
      continue;
    }
    const paths = source.segments.map(({ path }) => join(context.directory, path));
    const { rows } = await context.engine.sql(`SELECT ${source.columns.map(textOf).join(', ')} FROM read_parquet(${quoteList(paths)})`);
    hierarchies.push({ ...hierarchy, rows: rows.map((levels) => ({ levels: levels.map((level) => level ?? '') })) });
  }
  return hierarchies;
};

/** Runs the anonymization steps of a run over the tables that its transforms left. Unpublished tables end here. */
export const anonymize = (context: StageContext, keys: RunKeys): Promise<unknown> =>
  runIntoFolder(context.directory, STAGE, async (folder) => {
    const { manifest, hash } = await readManifest(context.directory, 'transform');
    const hierarchies = await readHierarchies(context, manifest.tables);
    const tables: StageTable[] = [];
    const reports: TableCounts[] = [];
    const findings: Record<string, Findings> = {};
    for (const source of manifest.tables) {
      const table = context.plan.results.find(({ name }) => name === source.table);
      if (!table || table.unpublished) continue;
      const state = await runSteps(context, source, table, keys, hierarchies);
      const written = await writeTable(context, folder, source.table, state);
      const stored = written.segments.reduce((sum, { rowCount }) => sum + rowCount, 0);
      assertBalance(source.table, state.findings.intoAnonymizing, state.findings.suppressed, stored);
      findings[source.table] = state.findings;
      reports.push({ ...emptyCounts(source.table), suppressedCount: state.findings.suppressed });
      tables.push(written);
      await context.engine.sql(`DROP ${state.relation === 'step_0' ? 'VIEW' : 'TABLE'} ${state.relation}`);
    }
    await writeFindings(folder, findings);
    return { stage: STAGE, planHash: context.planHash, inputHash: hash, tables, reports };
  });
