import { VectorError } from './vector-error.ts';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { KeyConflict, WithinSource } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { checkPlan } from '@lethe/module/check-module';
import { parse } from 'csv-parse/sync';
import { openEngine, type Engine } from '../engine/engine.ts';
import { quoteIdentifier, quoteList, quoteLiteral, quoteNames } from '../plan/identifiers.ts';
import { rankSql } from '../plan/row-id.ts';
import { applyRules } from '../stages/rules/apply-rules.ts';
import type { StageTable } from '../stages/stage-manifest.ts';
import type { StageContext } from '../stages/stage.ts';
import { writeExtract, type SourceRows } from '../stages/extract/write-extract.ts';

/** One case of `expected.json`; a field that is absent is not compared. */
type FusionCase = {
  table: string;
  key: string[];
  sourceColumn: string | null;
  strategy: string;
  ranks?: string[];
  withinSource?: string;
  refused?: string;
  rows?: number;
  rowsPerSource?: Record<string, number>;
  distinctKeys?: number;
  golden?: string;
  comparedColumns?: string[];
  correctCells?: number;
};

type Expected = { about?: { emptyFields?: Record<string, Record<string, number>> }; cases: FusionCase[] };

type CsvTable = { header: string[]; rows: (string | null)[][] };

const STRATEGIES: Record<string, KeyConflict> = {
  SourcePriority: KeyConflict.SOURCE_PRIORITY,
  DropAllConflicting: KeyConflict.DROP_ALL_CONFLICTING,
  GenerateKeys: KeyConflict.GENERATE_KEYS,
};

const WITHIN: Record<string, WithinSource> = { first: WithinSource.FIRST, last: WithinSource.LAST, drop: WithinSource.DROP };

/** The name of the table under test; those of files need not be names of tables. */
const TABLE = 'input';

const readCsv = async (path: string): Promise<CsvTable> => {
  const bytes = await readFile(path);
  const records: string[][] = parse(path.endsWith('.gz') ? gunzipSync(bytes) : bytes, { bom: true });
  const [header = [], ...rows] = records;
  return { header, rows: rows.map((row) => row.map((cell) => (cell === '' ? null : cell))) };
};

/** Column names of a module are narrower than those of a csv header: other characters become underscores, doubles get a number. */
const moduleNames = (header: readonly string[]): string[] => {
  const seen = new Set<string>();
  return header.map((name, index) => {
    const cleaned = name.replaceAll(/[^A-Za-z0-9_]/gu, '_').slice(0, 50);
    const based = /^[A-Za-z]/u.test(cleaned) ? cleaned : `c_${cleaned}`;
    const unique = seen.has(based.toLowerCase()) || based.toLowerCase() === 'row_id' ? `${based}_${index}` : based;
    seen.add(unique.toLowerCase());
    return unique;
  });
};

type Input = { table: CsvTable; names: string[]; sources: SourceRows[] };

/** The folder of the cases, and the one that a case is worked on in. */
type Folders = { folder: string; directory: string };

/** A case, and the table that it names. */
type LoadedCase = { entry: FusionCase; input: Input };

/** Parts the rows by the source column, best rank first; sources that `ranks` does not name follow in the order of their first row. */
const partSources = (table: CsvTable, entry: FusionCase): SourceRows[] => {
  const position = entry.sourceColumn === null ? -1 : table.header.indexOf(entry.sourceColumn);
  if (entry.sourceColumn !== null && position < 0) throw new VectorError('the source column is not in the table');
  const groups = new Map<string, (string | null)[][]>((entry.ranks ?? []).map((source) => [source, []]));
  for (const row of table.rows) {
    const source = position < 0 ? 'all' : (row[position] ?? '');
    const group = groups.get(source);
    if (group === undefined) groups.set(source, [row]);
    else group.push(row);
  }
  return [...groups].map(([source, rows], index) => ({ table: TABLE, rank: index + 1, source, segments: [rows] }));
};

const planCase = (entry: FusionCase, input: Input): EffectivePlan => {
  const keyNames = entry.key.map((name) => input.names[input.table.header.indexOf(name)] ?? name);
  const table = {
    name: TABLE,
    columns: input.names.map((name) => ({ name, role: Role.INSENSITIVE, type: { base: BaseType.STRING } })),
    primaryKey: {
      columns: keyNames,
      conflict: STRATEGIES[entry.strategy] ?? KeyConflict.UNSPECIFIED,
      withinSource: entry.withinSource === undefined ? WithinSource.UNSPECIFIED : (WITHIN[entry.withinSource] ?? WithinSource.UNSPECIFIED),
    },
  };
  return EffectivePlan.fromPartial({ tables: [table], results: [table] });
};

const countCorrectCells = async (engine: Engine, rows: string, { entry, input }: LoadedCase, golden: CsvTable): Promise<number> => {
  const goldenNames = moduleNames(golden.header);
  await engine.sql(`CREATE OR REPLACE TABLE golden (${goldenNames.map((name) => `${quoteIdentifier(name)} VARCHAR`).join(', ')})`);
  const literal = (cell: string | null): string => (cell === null ? 'NULL' : quoteLiteral(cell));
  for (let start = 0; start < golden.rows.length; start += 1000) {
    const values = golden.rows.slice(start, start + 1000).map((row) => `(${row.map(literal).join(', ')})`);
    await engine.sql(`INSERT INTO golden VALUES ${values.join(', ')}`);
  }
  const named = (header: string[], names: string[], column: string): string => quoteIdentifier(names[header.indexOf(column)] ?? column);
  const same = (column: string, operator: string): string =>
    `_row.${named(input.table.header, input.names, column)} ${operator} _golden.${named(golden.header, goldenNames, column)}`;
  const cells = (entry.comparedColumns ?? []).map((column) => `count(*) FILTER (${same(column, 'IS NOT DISTINCT FROM')})`).join(' + ');
  const matching = entry.key.map((column) => same(column, '=')).join(' AND ');
  const result = await engine.sql(`SELECT ${cells} FROM ${rows} _row JOIN golden _golden ON ${matching}`);
  return Number(result.rows[0]?.[0] ?? 0);
};

const compare = (what: string, expected: unknown, actual: unknown): string[] => {
  const [left, right] = [JSON.stringify(expected), JSON.stringify(actual)];
  return expected === undefined || left === right ? [] : [`${what}: ${left} expected, ${right} found`];
};

const sorted = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).toSorted(([left], [right]) => (left < right ? -1 : 1)));

/** Measures what the stage wrote, and returns one text for each difference. */
const compareStored = async (
  engine: Engine,
  { folder, directory }: Folders,
  { entry, input }: LoadedCase,
  table: StageTable,
): Promise<string[]> => {
  const paths = table.segments.map((segment) => join(directory, segment.path));
  const rowCount = table.segments.reduce((total, segment) => total + segment.rowCount, 0);
  const differences = compare('rows', entry.rows, rowCount);
  if (paths.length === 0) return differences;
  const rows = `read_parquet(${quoteList(paths)})`;
  const ranks = await engine.sql(`SELECT ${rankSql('row_id')}, count(*) FROM ${rows} GROUP BY 1 ORDER BY 1`);
  const perSource = ranks.rows.map(([rank, count]): [string, number] => [input.sources[Number(rank) - 1]?.source ?? '', Number(count)]);
  if (entry.rowsPerSource !== undefined) {
    differences.push(...compare('rows per source', sorted(entry.rowsPerSource), sorted(Object.fromEntries(perSource))));
  }
  const keyNames = entry.key.map((name) => input.names[input.table.header.indexOf(name)] ?? name);
  const distinct = await engine.sql(`SELECT count(*) FROM (SELECT DISTINCT ${quoteNames(keyNames)} FROM ${rows})`);
  differences.push(...compare('distinct keys', entry.distinctKeys, Number(distinct.rows[0]?.[0])));
  if (entry.golden !== undefined && entry.correctCells !== undefined) {
    const golden = await readCsv(join(folder, entry.golden));
    differences.push(...compare('correct cells', entry.correctCells, await countCorrectCells(engine, rows, { entry, input }, golden)));
  }
  return differences;
};

/** A stage that nobody interrupts and nobody else works on. */
const contextOf = (engine: Engine, directory: string, plan: EffectivePlan): StageContext => ({
  directory,
  plan,
  planHash: 'vectors',
  engine,
  signal: new AbortController().signal,
  epoch: 1n,
  fence: async () => {},
  onProgress: () => undefined,
  keepMissingLeaves: async () => {},
});

const runCase = async (engine: Engine, folder: string, directory: string, entry: FusionCase): Promise<string[]> => {
  const table = await readCsv(join(folder, entry.table));
  const input: Input = { table, names: moduleNames(table.header), sources: partSources(table, entry) };
  const plan = planCase(entry, input);
  const problems = checkPlan(plan);
  if (entry.refused !== undefined) return problems.length > 0 ? [] : [`not refused: ${entry.refused}`];
  if (problems.length > 0) return problems.map((problem) => `refused: ${problem.message}`);
  await mkdir(directory);
  await writeExtract(directory, 'vectors', input.sources);
  const manifest = await applyRules(contextOf(engine, directory, plan));
  const [written] = manifest.tables;
  return written === undefined ? ['the table is missing'] : compareStored(engine, { folder, directory }, { entry, input }, written);
};

/** Counts the empty fields of a table after it went through the stage without rules. */
const runEmptyFields = async (
  engine: Engine,
  { folder, directory }: Folders,
  name: string,
  expected: Record<string, number>,
): Promise<string[]> => {
  const table = await readCsv(join(folder, name));
  const names = moduleNames(table.header);
  await mkdir(directory);
  await writeExtract(directory, 'vectors', [{ table: TABLE, rank: 1, source: 'all', segments: [table.rows] }]);
  const columns = names.map((column) => ({ name: column, role: Role.INSENSITIVE, type: { base: BaseType.STRING } }));
  const plan = EffectivePlan.fromPartial({ tables: [{ name: TABLE, columns }], results: [{ name: TABLE, columns }] });
  const [written] = (await applyRules(contextOf(engine, directory, plan))).tables;
  const counts = names.map((column) => `count(*) FILTER (${quoteIdentifier(column)} IS NULL)`).join(', ');
  const paths = quoteList((written?.segments ?? []).map((segment) => join(directory, segment.path)));
  const { rows } = await engine.sql(`SELECT ${counts} FROM read_parquet(${paths})`);
  const found = table.header.map((column, index): [string, number] => [column, Number(rows[0]?.[index] ?? 0)]);
  return compare('empty fields', sorted(expected), sorted(Object.fromEntries(found.filter(([, count]) => count > 0))));
};

/** Runs the cases of a folder laid out like `record-fusion` through the stage that applies rules, in a real engine. */
export const run = async (folder: string, _options: string[]): Promise<{ passed: number; failed: number }> => {
  const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Expected;
  const root = await mkdtemp(join(tmpdir(), 'lethe-fusion-'));
  const engine = await openEngine({ directory: root });
  const checks: { label: string; task: (directory: string) => Promise<string[]> }[] = [
    ...Object.entries(expected.about?.emptyFields ?? {}).map(([name, counts]) => ({
      label: `${name} empty fields`,
      task: (directory: string) => runEmptyFields(engine, { folder, directory }, name, counts),
    })),
    ...expected.cases.map((entry, index) => ({
      label: `case ${index + 1}: ${entry.table} ${entry.key.join('+')} ${entry.strategy} ${entry.withinSource ?? ''} ${entry.ranks?.join('') ?? ''}`,
      task: (directory: string) => runCase(engine, folder, directory, entry),
    })),
  ];
  let failed = 0;
  try {
    for (const [index, { label, task }] of checks.entries()) {
      const differences = await task(join(root, `case${index}`)).catch((error: unknown) => [String(error)]);
      if (differences.length === 0) continue;
      failed += 1;
      console.log(`FAILED ${label.trim()}: ${differences.join('; ')}`);
    }
  } finally {
    await engine.close();
    await rm(root, { recursive: true, force: true });
  }
  return { passed: checks.length - failed, failed };
};
