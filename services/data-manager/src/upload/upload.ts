// From PREPARED to UPLOADED: gate, reservation, staging, one transaction at each target, the published version.
import { Entry_State, PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { TableVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { UploadMode, type TableUpload } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { failpoint } from '@lethe/db/failpoint';
import { publishedModule, versionedName } from '@lethe/module/published-document';
import { writeDocument } from '@lethe/module/document';
import { join } from 'node:path';
import type { LedgerEntry, Target, UploadTable } from '../connectors/connector.ts';
import { targetOf } from '../connectors/index.ts';
import { openEngine, type Engine } from '../engine/engine.ts';
import { columnsOf, overlayQuery } from '../outbox/overlay.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier } from '../plan/identifiers.ts';
import { columnType, writePostgresTextSql } from '../plan/types.ts';
import { digestFolder, makeFolder, outboxFolder, removeFolder } from '../folders.ts';
import { publish } from './publish.ts';
import { readBackHash } from './read-back.ts';
import { brokenReferences, readReferences } from '../outbox/references.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import { gateBaseOf, measureTable } from '../outbox/measure.ts';
import { onlyAdditions, writeDigests } from './digests.ts';
import { stageError, toRunError } from '../domain/run-error.ts';
import { editsOf, entriesOf, markUploading, updateEntry } from '../store/entries.ts';
import type { EntryRow } from '../store/tables.ts';
import { uploadIdOf, type UploadSession } from './session.ts';

/** One table of the upload, measured with its edits. */
type Ready = {
  entry: EntryRow;
  upload: TableUpload;
  columns: Column[];
  /** A query of its rows. */
  rows: string;
  rowCount: number;
  contentHash: string;
  schemaHash: string;
  privacy: PrivacyResult;
  csvPath: string;
  digestPath: string;
};

/** An upload under way. */
type Work = { session: UploadSession; plan: EffectivePlan; engine: Engine; scratch: string; folder: string };

/** Rows as the target reads them. */
const csvQuery = (rows: string, columns: Column[]): string =>
  `SELECT ${columns.map((column) => `${writePostgresTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB)} AS ${quoteIdentifier(column.name)}`).join(', ')} FROM (${rows}) ORDER BY row_id`;

const refuseViolations = (table: string, violations: readonly string[]): void => {
  if (violations.length > 0)
    throw stageError('GATE_CLOSED', { violations: violations.map((sentence) => `Table ${table}: ${sentence}`).join(' ') });
};

/** The gate's first step of an upload: the rows with their edits, measured anew. */
const makeReady = async (work: Work, entry: EntryRow, upload: TableUpload): Promise<Ready> => {
  const { engine, scratch, plan, session } = work;
  const columns = columnsOf(entry);
  const edits = await editsOf(session.deps.store.db, entry.id);
  const rows = await overlayQuery(work, entry, edits);
  const requirement = plan.results.find(({ name }) => name === entry.table)?.privacy;
  const before = PrivacyResult.decode(entry.privacy);
  const measured = await measureTable(engine, { rows, columns, requirement, base: gateBaseOf(before) });
  refuseViolations(entry.table, measured.privacy.violations);
  const csvPath = join(scratch, `${entry.id}.csv`);
  const digestPath = join(scratch, `${entry.id}.digests.parquet`);
  await engine.copyOut(csvQuery(rows, columns), csvPath, 'csv');
  await writeDigests(engine, rows, columns, digestPath);
  const privacy = { ...before, ...measured.privacy, levels: before.levels, metric: before.metric, loss: before.loss, stale: false };
  return {
    entry,
    upload,
    columns,
    rows,
    rowCount: measured.rowCount,
    contentHash: measured.contentHash,
    schemaHash: measured.schemaHash,
    privacy,
    csvPath,
    digestPath,
  };
};

const prepareAll = async (work: Work): Promise<Ready[]> => {
  const { session } = work;
  const ready: Ready[] = [];
  for (const entry of await entriesOf(session.deps.store.db, session.row.runId)) {
    session.signal.throwIfAborted();
    const upload = work.plan.uploads.find(({ table }) => table === entry.table);
    if (!upload) throw stageError('UPLOAD_MISSING', { table: entry.table });
    ready.push(await makeReady(work, entry, upload));
  }
  const queries = new Map(ready.map(({ entry, rows }) => [entry.table, rows]));
  for (const { table, sentence } of await brokenReferences(work.engine, await readReferences(work.folder), queries))
    refuseViolations(table, [sentence]);
  return ready;
};

/** By table, whether every row of the base version is still there; absent where its digests are not at hand. */
const additions = async (work: Work, ready: Ready[]): Promise<Record<string, boolean>> => {
  const { deps, row, spec } = work.session;
  const found: Record<string, boolean> = {};
  if (spec.baseVersion === '') return found;
  const baseFolder = digestFolder(deps.config, row.moduleId, spec.baseVersion);
  for (const { entry, digestPath } of ready) {
    const known = await onlyAdditions(join(baseFolder, `${entry.table}.parquet`), digestPath, deps.config);
    if (known !== undefined) found[entry.table] = known;
  }
  return found;
};

const tableVersions = (ready: Ready[]): TableVersion[] =>
  ready.map(({ entry, contentHash, schemaHash, rowCount }) => ({
    table: entry.table,
    contentHash,
    schemaHash,
    rowCount: BigInt(rowCount),
  }));

const uploadTable = ({ entry, upload, columns, rowCount }: Ready, version: string): UploadTable => {
  const target = upload.target || entry.table;
  const replace = upload.mode === UploadMode.REPLACE;
  return {
    table: entry.table,
    schema: upload.schema,
    target,
    versioned: replace ? target : versionedName(target, version),
    replace,
    columns,
    rowCount,
  };
};

/** Loads a table into the target's hidden place, and measures there what arrived. */
const stageTable = async (work: Work, target: Target, ready: Ready, table: UploadTable): Promise<void> => {
  const count = await target.stage(table, [ready.csvPath]);
  const back = join(work.scratch, `${ready.entry.id}.back.csv`);
  await target.readBack(table, back);
  const hash = await readBackHash(work.engine, back, ready.columns);
  if (count !== ready.rowCount || hash !== ready.contentHash) {
    throw stageError('TARGET_DIFFERS', { table: table.table, found: count, count: ready.rowCount });
  }
};

/** Drops what tries have left. A failure here changes nothing of how the upload went: the next one drops it. */
const cleanUp = async ({ session }: Work, target: Target): Promise<void> => {
  try {
    await target.cleanUp();
  } catch (error) {
    session.deps.log.warn({ runId: session.row.runId, reason: toRunError(error).reason }, 'staging tables were left at the target');
  }
};

const openTarget = async ({ deps, row, signal }: UploadSession, connectionId: string): Promise<{ type: string; target: Target }> => {
  const connection = await resolveConnection(deps, row, { connectionId, write: true });
  const upload = { uploadId: uploadIdOf(row), epoch: Number(row.epoch) };
  return { type: connection.type, target: await targetOf(connection, deps.config, upload, signal) };
};

/** Loads the tables of one connection, and publishes them there in one transaction. */
const loadConnection = async (work: Work, connectionId: string, ready: Ready[], version: string): Promise<void> => {
  const { session } = work;
  const { row, spec, signal } = session;
  const uploadId = uploadIdOf(row);
  const { target } = await openTarget(session, connectionId);
  try {
    if (!(await target.probe(uploadId))) {
      const tables = ready.map((table) => uploadTable(table, version));
      for (const [index, table] of tables.entries()) await stageTable(work, target, ready[index] as Ready, table);
      signal.throwIfAborted();
      const entry: LedgerEntry = {
        uploadId,
        epoch: Number(row.epoch),
        runId: row.runId,
        moduleId: spec.moduleId,
        version,
        tables: ready.map(({ entry: { table }, rowCount, contentHash }) => ({ table, rowCount, contentHash })),
      };
      await target.commit(entry, tables);
    }
    await cleanUp(work, target);
  } catch (error) {
    // A try that comes again finds its staging; one that is refused may be the last.
    if (!toRunError(error).transient) await cleanUp(work, target);
    throw error;
  } finally {
    await target.close();
  }
};

/** Loads all connections; the version is given up where one of them fails for good. */
const loadConnections = async (work: Work, ready: Ready[], version: string): Promise<void> => {
  try {
    for (const connectionId of connectionsOf(ready)) {
      const own = ready.filter(({ upload }) => upload.connectionId === connectionId);
      await loadConnection(work, connectionId, own, version);
    }
  } catch (error) {
    await publish.abandonWhereFinal(work.session, error);
    throw error;
  }
};

const connectionsOf = (ready: Ready[]): string[] => [...new Set(ready.map(({ upload }) => upload.connectionId))];

/** Checks that each target knows the upload. Returns the connections that are files. */
const verify = async ({ session }: Work, connectionIds: string[]): Promise<Set<string>> => {
  const files = new Set<string>();
  for (const connectionId of connectionIds) {
    const { type, target } = await openTarget(session, connectionId);
    if (type === 'file') files.add(connectionId);
    try {
      if (!(await target.probe(uploadIdOf(session.row)))) throw stageError('LEDGER_MISSING');
    } finally {
      await target.close();
    }
  }
  return files;
};

const begin = async (session: UploadSession, state: RunState): Promise<void> => {
  const { deps, row } = session;
  const set = { state, refusal: '', waitingFor: '', nextAttemptTime: null, reachedRevision: row.desireRevision };
  if (state === RunState.UPLOADING) await session.change('upload/begin', set, { write: (tx) => markUploading(tx, row.runId, deps.now()) });
  else await session.change('upload/verify', set);
};

const finish = async ({ session }: Work, ready: Ready[], version: string): Promise<void> => {
  const { deps, row } = session;
  await publish.keepDigests(
    digestFolder(deps.config, row.moduleId, version),
    ready.map(({ entry, digestPath }) => ({ table: entry.table, path: digestPath })),
  );
  const endTime = deps.now();
  const set = { state: RunState.UPLOADED, publishedVersion: version, waitingFor: '', endTime, reachedRevision: row.desireRevision };
  await session.change('upload/finish', set, {
    write: async (tx) => {
      for (const { entry, contentHash, privacy, rowCount } of ready)
        await updateEntry(tx, entry.id, {
          state: Entry_State.UPLOADED,
          contentHash,
          rowCount: BigInt(rowCount),
          privacy: Buffer.from(PrivacyResult.encode(privacy).finish()),
          version: entry.version + 1,
          updateTime: endTime,
        });
    },
  });
};

const carry = async (work: Work): Promise<void> => {
  const { session, plan } = work;
  const { row, spec } = session;
  const ready = await prepareAll(work);
  const tables = tableVersions(ready);
  await failpoint('upload.intent.before');
  const { baseVersion } = spec;
  const version = await publish.reserve(session, { baseVersion, tables, onlyAdditions: await additions(work, ready) });
  await failpoint('upload.intent.after');
  await loadConnections(work, ready, version);
  await begin(session, RunState.VERIFYING);
  session.startProgress(RunState.VERIFYING);
  const files = await verify(work, connectionsOf(ready));
  const module = publishedModule(plan, {
    version,
    previousVersion: baseVersion,
    runId: row.runId,
    moduleId: spec.moduleId,
    isFile: (connectionId) => files.has(connectionId),
    tables: ready.map(({ entry, columns, contentHash }) => ({ table: entry.table, columns, contentHash })),
  });
  await failpoint('version.bump.before');
  await publish.commit(session, { document: writeDocument(module), tables });
  await failpoint('version.bump.after');
  await finish(work, ready, version);
};

/** Uploads a prepared run. Whatever is refused before a target took it brings the run back to PREPARED with the reason. */
export const upload = async (session: UploadSession): Promise<void> => {
  const { deps, spec, signal } = session;
  const { plan } = spec;
  if (!plan) throw stageError('PLAN_MISSING');
  const folder = outboxFolder(deps.config, session.row.runId);
  const scratch = await makeFolder(join(folder, '.upload'));
  let engine: Engine | undefined;
  try {
    engine = await openEngine({ directory: folder, memoryMb: deps.config.engineMemoryMb, signal });
    const isTaken = session.row.state === RunState.VERIFYING;
    if (!isTaken) await begin(session, RunState.UPLOADING);
    session.startProgress(isTaken ? RunState.VERIFYING : RunState.UPLOADING);
    await carry({ session, plan, engine, scratch, folder });
  } finally {
    engine?.kill();
    await removeFolder(scratch);
  }
};
