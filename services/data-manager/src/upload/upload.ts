// From PREPARED to UPLOADED: gate, reservation, staging, one transaction at each target, the published version.
import { PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { type ExecutionSpec, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { TableVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
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
import { editsOf, entriesOf } from '../store/entries.ts';
import type { EntryRow, ExecutionRow } from '../store/tables.ts';
import type { RunDeps } from '../deps.ts';
import { RunFailure, toFailure } from '../run/failure.ts';
import { digestFolder, makeFolder, outboxFolder, removeFolder } from '../folders.ts';
import type { Keeper } from '../run/keeper.ts';
import { publish } from './publish.ts';
import { readBackHash } from './read-back.ts';
import { brokenReferences, readReferences } from '../outbox/references.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import { measureTable } from '../outbox/measure.ts';
import { onlyAdditions, writeDigests } from './digests.ts';
import { transition } from '../run/transition.ts';
import { uploadIdOf } from './withdraw.ts';

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

type Work = { deps: RunDeps; row: ExecutionRow; spec: ExecutionSpec; engine: Engine; scratch: string; folder: string; keeper: Keeper };

/** Rows as the target reads them. */
const csvQuery = (rows: string, columns: Column[]): string =>
  `SELECT ${columns.map((column) => `${writePostgresTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB)} AS ${quoteIdentifier(column.name)}`).join(', ')} FROM (${rows}) ORDER BY row_id`;

const refuseViolations = (table: string, violations: readonly string[]): void => {
  if (violations.length > 0)
    throw new RunFailure('GATE_CLOSED', `the requirement of table ${table} does not hold: ${violations.join('; ')}`, { refusal: true });
};

/** The gate's first step of an upload: the rows with their edits, measured anew. */
const makeReady = async (work: Work, entry: EntryRow, upload: TableUpload): Promise<Ready> => {
  const { engine, folder, scratch, spec } = work;
  const columns = columnsOf(entry);
  const edits = await editsOf(work.deps.store.db, entry.id);
  const rows = await overlayQuery(engine, folder, scratch, entry, edits);
  const requirement = spec.plan?.results.find(({ name }) => name === entry.table)?.privacy;
  const before = PrivacyResult.decode(entry.privacy);
  const base = { intoAnonymizing: Number(before.suppressionBaseCount), suppressed: Number(before.suppressedCount) };
  const measured = await measureTable(engine, rows, columns, requirement, base);
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
  const ready: Ready[] = [];
  for (const entry of await entriesOf(work.deps.store.db, work.row.runId)) {
    work.keeper.signal.throwIfAborted();
    const upload = work.spec.plan?.uploads.find(({ table }) => table === entry.table);
    if (!upload) throw new RunFailure('UPLOAD_MISSING', `the table ${entry.table} has no upload`, { refusal: true });
    ready.push(await makeReady(work, entry, upload));
  }
  const queries = new Map(ready.map(({ entry, rows }) => [entry.table, rows]));
  for (const { table, sentence } of await brokenReferences(work.engine, await readReferences(work.folder), queries))
    refuseViolations(table, [sentence]);
  return ready;
};

/** By table, whether every row of the base version is still there; absent where its digests are not at hand. */
const additions = async (work: Work, ready: Ready[]): Promise<Record<string, boolean>> => {
  const answers: Record<string, boolean> = {};
  if (work.spec.baseVersion === '') return answers;
  const kept = digestFolder(work.deps.config, work.row.moduleId, work.spec.baseVersion);
  for (const { entry, digestPath } of ready) {
    const known = await onlyAdditions(join(kept, `${entry.table}.parquet`), digestPath, work.deps.config);
    if (known !== undefined) answers[entry.table] = known;
  }
  return answers;
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
    throw new RunFailure(
      'TARGET_DIFFERS',
      `the target holds other rows of table ${table.table} than were sent (${count} of ${ready.rowCount})`,
      { refusal: true },
    );
  }
};

/** Drops what tries have left. A failure here changes nothing of how the upload went: the next one drops it. */
const cleanUp = async ({ deps, row }: Work, target: Target): Promise<void> => {
  try {
    await target.cleanUp();
  } catch (error) {
    deps.log.warn({ runId: row.runId, reason: toFailure(error).code }, 'staging tables were left at the target');
  }
};

const loadConnection = async (work: Work, connectionId: string, ready: Ready[], uploadId: string, version: string): Promise<void> => {
  const { deps, row, spec, keeper } = work;
  const limits = { allowPrivateTargets: deps.config.allowPrivateTargets, fileRoot: deps.config.fileRoot };
  const connection = await resolveConnection(deps, row, connectionId, true);
  const target = await targetOf(connection, limits, { uploadId, epoch: Number(row.epoch) }, keeper.signal);
  try {
    if (!(await target.probe(uploadId))) {
      const tables = ready.map((table) => uploadTable(table, version));
      for (const [index, table] of tables.entries()) await stageTable(work, target, ready[index] as Ready, table);
      keeper.signal.throwIfAborted();
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
    if (!toFailure(error).transient) await cleanUp(work, target);
    throw error;
  } finally {
    await target.close();
  }
};

const verify = async (work: Work, connectionIds: string[], uploadId: string): Promise<Set<string>> => {
  const { deps, row, keeper } = work;
  const limits = { allowPrivateTargets: deps.config.allowPrivateTargets, fileRoot: deps.config.fileRoot };
  const files = new Set<string>();
  for (const connectionId of connectionIds) {
    const connection = await resolveConnection(deps, row, connectionId, true);
    if (connection.type === 'file') files.add(connectionId);
    const target = await targetOf(connection, limits, { uploadId, epoch: Number(row.epoch) }, keeper.signal);
    try {
      if (!(await target.probe(uploadId)))
        throw new RunFailure('LEDGER_MISSING', 'the target does not know of the upload', { transient: true });
    } finally {
      await target.close();
    }
  }
  return files;
};

const move = (work: Work, state: RunState, more: Parameters<typeof transition>[2]['set'] = {}): Promise<ExecutionRow> =>
  transition(work.deps.store, work.deps.now, {
    runId: work.row.runId,
    epoch: work.row.epoch,
    action: `upload/${state === RunState.UPLOADING ? 'begin' : 'verify'}`,
    set: { state, refusal: '', waitingFor: '', nextAttemptTime: null, reachedRevision: work.row.desireRevision, ...more },
    also: async (tx) => {
      if (state === RunState.UPLOADING)
        await tx
          .updateTable('entries')
          .set({ state: 3, updateTime: work.deps.now() })
          .where('runId', '=', work.row.runId)
          .where('state', 'in', [1, 2])
          .execute();
    },
  });

const finish = async (work: Work, ready: Ready[], version: string): Promise<ExecutionRow> => {
  const kept = digestFolder(work.deps.config, work.row.moduleId, version);
  await publish.keepDigests(
    kept,
    ready.map(({ entry, digestPath }) => ({ table: entry.table, path: digestPath })),
  );
  return transition(work.deps.store, work.deps.now, {
    runId: work.row.runId,
    epoch: work.row.epoch,
    action: 'upload/finish',
    set: {
      state: RunState.UPLOADED,
      publishedVersion: version,
      waitingFor: '',
      endTime: work.deps.now(),
      reachedRevision: work.row.desireRevision,
    },
    also: async (tx) => {
      for (const { entry, contentHash, privacy, rowCount } of ready) {
        await tx
          .updateTable('entries')
          .set({
            state: 4,
            contentHash,
            rowCount: BigInt(rowCount),
            privacy: Buffer.from(PrivacyResult.encode(privacy).finish()),
            version: entry.version + 1,
            updateTime: work.deps.now(),
          })
          .where('id', '=', entry.id)
          .execute();
      }
    },
  });
};

const run = async (work: Work, advance: (row: ExecutionRow) => void): Promise<void> => {
  const { row, spec, keeper } = work;
  const ready = await prepareAll(work);
  const uploadId = uploadIdOf(row);
  const tables = tableVersions(ready);
  await failpoint('upload.intent.before');
  const version = await publish.reserve(work.deps, row, uploadId, {
    baseVersion: spec.baseVersion,
    tables,
    onlyAdditions: await additions(work, ready),
  });
  await failpoint('upload.intent.after');
  const connectionIds = [...new Set(ready.map(({ upload }) => upload.connectionId))];
  try {
    for (const connectionId of connectionIds)
      await loadConnection(
        work,
        connectionId,
        ready.filter(({ upload }) => upload.connectionId === connectionId),
        uploadId,
        version,
      );
  } catch (error) {
    await publish.abandonWhereFinal(work.deps, row, uploadId, error, keeper.signal);
    throw error;
  }
  advance(await move(work, RunState.VERIFYING));
  keeper.enter(RunState.VERIFYING);
  const files = await verify(work, connectionIds, uploadId);
  const module = publishedModule(
    spec.plan ??
      (() => {
        throw new RunFailure('INTERNAL', 'the run has no plan', {});
      })(),
    {
      version,
      previousVersion: spec.baseVersion,
      runId: row.runId,
      moduleId: spec.moduleId,
      isFile: (connectionId) => files.has(connectionId),
      tables: ready.map(({ entry, columns, contentHash }) => ({ table: entry.table, columns, contentHash })),
    },
  );
  await failpoint('version.bump.before');
  await publish.commit(work.deps, row, uploadId, { document: writeDocument(module), tables });
  await failpoint('version.bump.after');
  advance(await finish(work, ready, version));
};

/** Uploads a prepared run. Whatever is refused before a target took it brings the run back to PREPARED with the reason. */
export const upload = async (
  deps: RunDeps,
  row: ExecutionRow,
  spec: ExecutionSpec,
  keeper: Keeper,
  advance: (row: ExecutionRow) => void,
): Promise<void> => {
  const folder = outboxFolder(deps.config, row.runId);
  const scratch = await makeFolder(join(folder, '.upload'));
  let engine: Engine | undefined;
  try {
    engine = await openEngine({ directory: folder, memoryMb: deps.config.engineMemoryMb, signal: keeper.signal });
    const work = { deps, row, spec, engine, scratch, folder, keeper };
    const taken = row.state === RunState.VERIFYING;
    if (!taken) advance(await move(work, RunState.UPLOADING));
    keeper.enter(taken ? RunState.VERIFYING : RunState.UPLOADING);
    await run(work, advance);
  } finally {
    engine?.kill();
    await removeFolder(scratch);
  }
};
