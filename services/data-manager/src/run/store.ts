// STORING: measures what anonymization wrote, and puts it in order for the Outbox.
import type { PrivacyRequirement } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { existsSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Config } from '../config.ts';
import { openEngine, type Engine } from '../engine/engine.ts';
import { quoteList, quoteLiteral, quoteNames } from '../plan/identifiers.ts';
import { gateQuery, judge, readGateFacts, type GateBase } from './gate.ts';
import { contentHashOf, rowDigestSql, schemaHashOf } from './content-hash.ts';
import { RunFailure } from './failure.ts';
import { emptyCounts, readManifest, type Segment, type StageTable } from './manifest.ts';
import { readFindings, type Findings } from './findings.ts';
import { runIntoFolder, type StageContext } from './stage.ts';

const STAGE = 'store';
const STORED = 'stored.json';

/** A table as it is in the Outbox. Paths of segments are relative to the run folder. */
export type StoredTable = {
  table: string;
  columns: Column[];
  segments: Segment[];
  rowCount: number;
  sizeBytes: number;
  contentHash: string;
  schemaHash: string;
  privacy: PrivacyResult;
};

/** What rows come to. */
export type Measured = { rowCount: number; contentHash: string; schemaHash: string; privacy: PrivacyResult };

const largestK = (requirement: PrivacyRequirement | undefined): number =>
  Math.max(0, ...(requirement?.models ?? []).map(({ model }) => (model?.$case === 'kAnonymity' ? model.value.k : 0)));

/** Measures rows (a query of the columns, and whatever else) against a requirement. `violations` are what does not hold. */
export const measureTable = async (
  engine: Engine,
  rowsQuery: string,
  columns: Column[],
  requirement: PrivacyRequirement | undefined,
  base: GateBase,
): Promise<Measured> => {
  const rows = `SELECT ${quoteNames(columns.map(({ name }) => name))} FROM (${rowsQuery})`;
  const answer = await engine.sql(gateQuery(rows, columns));
  const facts = readGateFacts(answer.rows[0] ?? [], columns);
  const privacy = PrivacyResult.fromPartial({
    kRequired: largestK(requirement),
    kAchieved: BigInt(facts.smallestClass),
    classCount: BigInt(facts.classCount),
    suppressedCount: BigInt(base.suppressed),
    suppressionBaseCount: BigInt(base.intoAnonymizing),
    suppressionLimit: requirement?.suppressionLimit ?? 0,
    violations: judge(columns, requirement, base, facts),
  });
  return { rowCount: facts.rowCount, contentHash: await contentHashOf(engine, rows, columns), schemaHash: schemaHashOf(columns), privacy };
};

/** Writes the sorted digests of rows, by which 'only additions' can be told later. */
export const writeDigests = async (engine: Engine, rowsQuery: string, columns: Column[], path: string): Promise<void> => {
  await engine.copyOut(`SELECT ${rowDigestSql(columns)} AS digest FROM (${rowsQuery}) ORDER BY digest`, path, 'parquet');
};

/** Whether every digest of `basePath` occurs in `path`, as often as there; undefined where the base's digests are not at hand. */
export const onlyAdditions = async (
  basePath: string,
  path: string,
  config: Pick<Config, 'engineMemoryMb'>,
): Promise<boolean | undefined> => {
  if (!existsSync(basePath)) return undefined;
  const copy = `${path}.base`;
  await copyFile(basePath, copy);
  const engine = await openEngine({ directory: dirname(path), memoryMb: config.engineMemoryMb });
  try {
    const counted = (file: string): string => `SELECT digest, count(*) AS count FROM read_parquet(${quoteLiteral(file)}) GROUP BY digest`;
    const { rows } = await engine.sql(
      `SELECT count(*) FROM (${counted(copy)}) old LEFT JOIN (${counted(path)}) fresh USING (digest) WHERE coalesce(fresh.count, 0) < old.count`,
    );
    return rows[0]?.[0] === '0';
  } finally {
    engine.kill();
  }
};

const storeTable = async (context: StageContext, folder: string, source: StageTable, findings: Findings): Promise<StoredTable> => {
  const segments: Segment[] = [];
  for (const segment of source.segments) {
    await copyFile(join(context.directory, segment.path), join(folder, basename(segment.path)));
    segments.push({ ...segment, path: `${STAGE}/${basename(segment.path)}` });
  }
  const paths = segments.map(({ path }) => join(folder, basename(path)));
  const rows = `SELECT * FROM read_parquet(${quoteList(paths)})`;
  const requirement = context.plan.results.find(({ name }) => name === source.table)?.privacy;
  const base = { intoAnonymizing: findings.intoAnonymizing, suppressed: findings.suppressed };
  const measured = await measureTable(context.engine, rows, source.columns, requirement, base);
  if (measured.privacy.violations.length > 0)
    throw new RunFailure(
      'GATE_CLOSED',
      `the requirement of table ${source.table} does not hold on its stored rows: ${measured.privacy.violations.join('; ')}`,
      {},
    );
  const privacy = { ...measured.privacy, metric: findings.metric, loss: findings.loss, levels: findings.levels };
  return {
    ...measured,
    table: source.table,
    columns: source.columns,
    segments,
    sizeBytes: segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    privacy,
  };
};

// JSON has no 64-bit integers.
const toJson = (stored: StoredTable[]): string =>
  JSON.stringify(
    stored.map((table) => ({ ...table, privacy: Buffer.from(PrivacyResult.encode(table.privacy).finish()).toString('base64') })),
  );

/** Stores the published tables; nothing is stored whose requirement does not hold on the rows themselves. */
export const store = (context: StageContext): Promise<unknown> =>
  runIntoFolder(context.directory, STAGE, async (folder) => {
    const { manifest, hash } = await readManifest(context.directory, 'anonymize');
    const findings = await readFindings(context.directory);
    const stored: StoredTable[] = [];
    for (const source of manifest.tables) {
      context.signal.throwIfAborted();
      const found = findings[source.table];
      if (!found) throw new RunFailure('INTERNAL', `anonymization said nothing of table ${source.table}`, {});
      stored.push(await storeTable(context, folder, source, found));
      context.onProgress({ table: source.table, rowCount: stored.at(-1)?.rowCount ?? 0, totalRowCount: stored.at(-1)?.rowCount ?? 0 });
    }
    await writeFile(join(folder, STORED), toJson(stored), { mode: 0o600 });
    const tables = stored.map(({ table, columns, segments }) => ({ table, columns, segments }));
    return {
      stage: STAGE,
      planHash: context.planHash,
      inputHash: hash,
      tables,
      reports: stored.map(({ table, rowCount }) => ({ ...emptyCounts(table), storedCount: rowCount })),
    };
  });

/** What a run stored. After the move to the Outbox the files are there instead. */
export const readStored = async (directory: string, outbox: string): Promise<StoredTable[]> => {
  const folder = existsSync(join(directory, STAGE, STORED)) ? join(directory, STAGE) : outbox;
  const kept = JSON.parse(await readFile(join(folder, STORED), 'utf8')) as (Omit<StoredTable, 'privacy'> & { privacy: string })[];
  return kept.map((table) => ({
    ...table,
    columns: table.columns.map((column) => Column.fromPartial(column)),
    privacy: PrivacyResult.decode(Buffer.from(table.privacy, 'base64')),
  }));
};
