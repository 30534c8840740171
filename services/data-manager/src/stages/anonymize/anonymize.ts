import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { AnonymizationStep } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { SuppressScope } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Engine } from '../../engine/engine.ts';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteIdentifier, quoteList, quoteNames } from '../../plan/identifiers.ts';
import { columnType, engineType } from '../../plan/types.ts';
import { pseudonymize, SAFE_TOKEN_LENGTH, tokenDomain, tokenLength } from '../../privacy/steps/pseudonymize.ts';
import { columnOf, ownColumns, ROW_COLUMN, type Relation } from '../../privacy/steps/relation.ts';
import { suppress, unreadableValuesQuery } from '../../privacy/steps/suppress.ts';
import { assertBalance } from '../conserve.ts';
import type { DictionaryContext } from './dictionaries.ts';
import { beginLost, dropKept, dropOrphans, keepKeys, linkedTables, lostCounts, lostTable } from './keep-references.ts';
import { resultReferences } from './result-keys.ts';
import { numberRows } from './numbered-rows.ts';
import { generalizeTable, type ChosenLevel, type Decision } from './generalize-table.ts';
import type { MissingLeaves } from './missing-leaf.ts';
import {
  describeSegment,
  emptyCounts,
  readManifest,
  type RuleCount,
  type Segment,
  type StageManifest,
  type StageTable,
} from '../stage-manifest.ts';
import { runIntoFolder, type StageContext } from '../stage.ts';
import { invariant } from '../../domain/defect.ts';
import { stageError } from '../../domain/run-error.ts';
import { STAGE_FOLDERS } from '../../folders.ts';

const STAGE = STAGE_FOLDERS[RunState.ANONYMIZING];

/** What was decided for one table; with the counts, all that the gate needs besides the stored rows. */
export type TablePrivacy = {
  table: string;
  /** Rows that the limit of suppression is a share of: those into the stage without what is in `dropped` before classes are made. */
  rowsIn: number;
  suppressedCount: number;
  /** Rows that left by declared values, without a leaf, or with their parents: they do not count against the limit. */
  dropped: RuleCount[];
  metric: string;
  loss: number;
  tieCount: number;
  levels: ChosenLevel[];
  /** Characters of a token, by column. */
  tokenLengths: Record<string, number>;
  /** The domain of a token, by column: keys whose columns share one still match. */
  tokenDomains: Record<string, string>;
  /** Columns that a step changed in another way than by tokens. */
  changedColumns: string[];
  /** Values without a leaf that became the root. */
  replaced: RuleCount[];
};

/** The one provider of keys and seeds. */
export type AnonymizationKeys = { pseudonymKey: (domain: string) => Uint8Array; seed: Uint8Array };

export type AnonymizeManifest = StageManifest & { privacy: TablePrivacy[] };

/** The manifest of this stage. */
export const readAnonymizeManifest = async (directory: string): Promise<{ manifest: AnonymizeManifest; hash: string }> => {
  const { manifest, hash } = await readManifest(directory, STAGE);
  if (!('privacy' in manifest)) throw stageError('MANIFEST_INVALID', { stage: STAGE });
  return { manifest: manifest as AnonymizeManifest, hash };
};

/** The rows into the stage; of a linked table with their ids, without those that were lost with their parents. */
const inputRelation = (directory: string, { table, columns, segments }: StageTable, isLinked: boolean): Relation => {
  const empty = columns.map((column) => `CAST(NULL AS ${engineType(columnType(column), DUCKDB)}) AS ${quoteIdentifier(column.name)}`);
  const id = quoteIdentifier(ROW_COLUMN.name);
  const shown = isLinked ? [ROW_COLUMN, ...columns] : columns;
  if (segments.length === 0)
    return { query: `SELECT ${[...(isLinked ? [`CAST(NULL AS BIGINT) AS ${id}`] : []), ...empty].join(', ')} WHERE false`, columns: shown };
  const from = `read_parquet(${quoteList(segments.map(({ path }) => join(directory, path)))})`;
  const names = quoteNames(columns.map(({ name }) => name));
  if (!isLinked) return { query: `SELECT ${names} FROM ${from}`, columns };
  const lost = quoteIdentifier(lostTable(table));
  return { query: `SELECT row_id AS ${id}, ${names} FROM ${from} WHERE row_id NOT IN (SELECT row_id FROM ${lost})`, columns: shown };
};

const countRows = async (engine: Engine, query: string): Promise<number> =>
  Number((await engine.sql(`SELECT count(*) FROM (${query})`)).rows[0]?.[0] ?? 0);

/** The steps of one table, with what they need and what they have done. */
type TableSteps = {
  context: StageContext;
  keys: AnonymizationKeys;
  dictionaries: DictionaryContext;
  table: Table;
  steps: AnonymizationStep[];
  privacy: TablePrivacy;
};

const checkValues = async (engine: Engine, query: string, table: string, columns: readonly string[]): Promise<void> => {
  const bad = (await engine.sql(query)).rows[0] ?? [];
  const failures = columns.flatMap((column, index) => (bad[index] === '0' ? [] : [`column ${column}: ${String(bad[index])}`]));
  if (failures.length > 0) throw stageError('SUPPRESS_VALUES_UNREADABLE', { table, failures: failures.join('; ') });
};

/** Short tokens may collide, which would merge people or keys: their numbers must be those of the values. */
const checkTokens = async (
  engine: Engine,
  { before, after, table, columns }: { before: Relation; after: Relation; table: string; columns: readonly string[] },
): Promise<void> => {
  for (const name of columns) {
    const distinct = (relation: Relation): Promise<number> =>
      countRows(engine, `SELECT DISTINCT ${quoteIdentifier(name)} FROM (${relation.query})`);
    const lost = (await distinct(before)) - (await distinct(after));
    if (lost > 0) throw stageError('TOKENS_COLLIDE', { table, column: name, count: lost });
  }
};

const mergeDecision = (privacy: TablePrivacy, decision: Decision): void => {
  privacy.levels.push(...decision.levels);
  privacy.suppressedCount += decision.suppressedCount;
  if (decision.metric === '') return;
  privacy.metric = decision.metric;
  privacy.loss = decision.loss;
  privacy.tieCount = decision.tieCount;
};

const countAll = (counts: readonly RuleCount[]): number => counts.reduce((sum, { count }) => sum + count, 0);

const mergeMissing = (privacy: TablePrivacy, { replaced, dropped, suppressedCount }: MissingLeaves): void => {
  privacy.replaced.push(...replaced);
  privacy.dropped.push(...dropped);
  privacy.rowsIn -= countAll(dropped);
  privacy.suppressedCount += suppressedCount;
  privacy.changedColumns.push(...replaced.map(({ rule }) => rule.replace(/^leaf:/, '')));
};

const runStep = async (tableSteps: TableSteps, relation: Relation, index: number): Promise<Relation> => {
  const { context, table, steps, privacy } = tableSteps;
  const operation = steps[index]?.operation;
  invariant(operation, 'a step has no operation');
  if (operation.$case === 'pseudonymize') {
    const step = operation.value;
    const domain = tokenDomain(step);
    const next = pseudonymize(table.name, relation, step, tableSteps.keys.pseudonymKey(domain));
    if (tokenLength(step) < SAFE_TOKEN_LENGTH)
      await checkTokens(context.engine, { before: relation, after: next, table: table.name, columns: step.columns });
    for (const column of step.columns) {
      privacy.tokenLengths[column] = tokenLength(step);
      privacy.tokenDomains[column] = domain;
    }
    return next;
  }
  if (operation.$case === 'suppress') {
    const step = operation.value;
    if (step.values.length > 0)
      await checkValues(context.engine, unreadableValuesQuery(table.name, relation, step), table.name, step.columns);
    const requiredK = Math.max(0, ...(table.privacy?.models ?? []).map(({ model }) => model?.value.k ?? 0));
    const next = suppress(table.name, relation, step, requiredK);
    if (step.scope === SuppressScope.RECORD) {
      const count = (await countRows(context.engine, relation.query)) - (await countRows(context.engine, next.query));
      privacy.dropped.push({ rule: `suppress:${step.columns.join('+')}`, count });
      // What classes were suppressed of is not made smaller afterwards.
      if (!steps.slice(0, index).some((earlier) => earlier.operation?.$case === 'generalize')) privacy.rowsIn -= count;
    } else privacy.changedColumns.push(...step.columns);
    return next;
  }
  const step = operation.value;
  for (const { column } of step.columns) columnOf(table.name, relation, column);
  const isSearchedElsewhere = steps.some(
    (other, place) => place !== index && other.operation?.$case === 'generalize' && other.operation.value.search !== undefined,
  );
  const done = await generalizeTable(
    {
      context: tableSteps.dictionaries,
      table,
      relation,
      step,
      later: steps.slice(index + 1),
      rowsIn: privacy.rowsIn,
      removedCount: privacy.suppressedCount,
      signal: context.signal,
      onProgress: (settledNodes, totalNodes) =>
        context.onProgress({
          table: table.name,
          rowCount: Math.floor((privacy.rowsIn * settledNodes) / totalNodes),
          totalRowCount: privacy.rowsIn,
        }),
    },
    isSearchedElsewhere,
  );
  mergeMissing(privacy, done.missing);
  mergeDecision(privacy, done.decision);
  privacy.changedColumns.push(...done.decision.levels.filter(({ level }) => level > 0).map(({ column }) => column));
  return done.relation;
};

const writeSegments = async (
  engine: Engine,
  relation: Relation,
  { table, rowCount, folder }: { table: string; rowCount: number; folder: string },
): Promise<Segment[]> => {
  if (rowCount === 0) return [];
  const numbered = await numberRows(engine, relation, rowCount, folder);
  const segments: Segment[] = [];
  for (const [index, query] of numbered.segments.entries()) {
    const name = `${table}-${index}.parquet`;
    const written = await engine.copyOut(query, join(folder, name), 'parquet');
    segments.push(await describeSegment(join(folder, name), `${STAGE}/${name}`, written.rowCount));
  }
  await numbered.close();
  return segments;
};

const emptyPrivacy = (table: string, rowsIn: number): TablePrivacy => ({
  table,
  rowsIn,
  suppressedCount: 0,
  dropped: [],
  metric: '',
  loss: 0,
  tieCount: 0,
  levels: [],
  tokenLengths: {},
  tokenDomains: {},
  changedColumns: [],
  replaced: [],
});

type Done = { written: StageTable; privacy: TablePrivacy };

/** Runs the steps of one table over the rows that it still has, and writes what stays. */
const anonymizeTable = async (
  context: StageContext,
  keys: AnonymizationKeys,
  { tables, table, folder, isLinked }: { tables: readonly StageTable[]; table: Table; folder: string; isLinked: boolean },
): Promise<Done> => {
  const input = tables.find((entry) => entry.table === table.name);
  invariant(input, `table ${table.name} has not reached anonymization`);
  const { engine, directory, plan, keepMissingLeaves } = context;
  const rowsIn = input.segments.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const dictionaries: DictionaryContext = { engine, directory, folder, hierarchies: plan.hierarchies, tables, made: [], keepMissingLeaves };
  const privacy = emptyPrivacy(table.name, rowsIn);
  if (isLinked) privacy.dropped.push(...(await lostCounts(engine, table)));
  privacy.rowsIn -= countAll(privacy.dropped);
  const steps = plan.steps.filter((step) => step.table === table.name);
  const tableSteps: TableSteps = { context, keys, dictionaries, table, steps, privacy };
  try {
    let relation = inputRelation(directory, input, isLinked);
    for (const index of steps.keys()) {
      context.signal.throwIfAborted();
      relation = await runStep(tableSteps, relation, index);
    }
    if (isLinked) await keepKeys(engine, plan.results, table.name, relation);
    const expected = rowsIn - privacy.suppressedCount - countAll(privacy.dropped);
    const segments = await writeSegments(engine, relation, { table: table.name, rowCount: expected, folder });
    const written = segments.reduce((sum, { rowCount }) => sum + rowCount, 0);
    assertBalance({ ...privacy, rowsIn }, written);
    context.onProgress({ table: table.name, rowCount: written, totalRowCount: written });
    const columns = ownColumns(relation).map((column): Column => ({ ...column }));
    return { written: { table: table.name, columns, segments }, privacy };
  } finally {
    for (const name of dictionaries.made) await engine.sql(`DROP TABLE IF EXISTS ${quoteIdentifier(name)}`).catch(() => undefined);
  }
};

/**
 * Anonymizes the tables, takes out the rows whose parent is gone, and anonymizes the tables that lost rows again, until none does: what
 * a requirement says of a table holds for the rows that it has in the end.
 */
const anonymizeAll = async (
  context: StageContext,
  keys: AnonymizationKeys,
  tables: readonly StageTable[],
  folder: string,
): Promise<Done[]> => {
  const { engine, plan } = context;
  const linked = linkedTables(plan.results);
  const published = plan.results.filter(({ unpublished }) => !unpublished);
  const done = new Map<string, Done>();
  try {
    await beginLost(engine, linked);
    let todo = published;
    while (todo.length > 0) {
      for (const table of todo) {
        for (const { path } of done.get(table.name)?.written.segments ?? []) await rm(join(folder, basename(path)), { force: true });
        done.set(table.name, await anonymizeTable(context, keys, { tables, table, folder, isLinked: linked.has(table.name) }));
      }
      const results = [...done.values()].map(({ written, privacy }) => ({ ...written, privacy }));
      const losers = await dropOrphans(engine, resultReferences(plan.results, results));
      todo = published.filter(({ name }) => losers.has(name));
    }
  } finally {
    await dropKept(engine, linked);
  }
  return [...done.values()];
};

const anonymizeInto = async (context: StageContext, keys: AnonymizationKeys, folder: string): Promise<AnonymizeManifest> => {
  const { manifest: input, hash } = await readManifest(context.directory, STAGE_FOLDERS[RunState.TRANSFORMING]);
  const done = await anonymizeAll(context, keys, input.tables, folder);
  const reports = done.map(({ written: { table, segments }, privacy: { replaced, dropped, suppressedCount } }) => ({
    ...emptyCounts(table),
    replaced,
    dropped,
    suppressedCount,
    storedCount: segments.reduce((sum, { rowCount }) => sum + rowCount, 0),
  }));
  return {
    stage: STAGE,
    planHash: context.planHash,
    inputHash: hash,
    tables: done.map(({ written }) => written),
    reports,
    privacy: done.map(({ privacy }) => privacy),
  };
};

/**
 * The stage ANONYMIZING: runs the plan's steps over each published table, in the order of the plan (module's steps by rank, then the task's),
 * and writes the rows, numbered by their content. Rows that refer to a row which the steps removed go as well, and the tables that lose rows
 * are anonymized again without them. Unpublished tables serve as hierarchies and are not written. Throws a
 * RunError with table, column and count where a value has no leaf, and with the table where no levels hold the requirement.
 */
export const anonymize = (context: StageContext, keys: AnonymizationKeys): Promise<StageManifest> =>
  runIntoFolder(context, STAGE, (folder) => anonymizeInto(context, keys, folder));
