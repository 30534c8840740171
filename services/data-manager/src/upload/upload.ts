// From PREPARED to UPLOADED: gate, reservation, staging, one transaction at each target, the published version.
import { Entry_State, PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { TableVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Column, Module } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { TableUpload } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { failpoint } from '@lethe/db/failpoint';
import { checkModule } from '@lethe/module/check-module';
import { publishedModule } from '@lethe/module/published-document';
import { writeDocument } from '@lethe/module/document';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine, type Engine } from '../engine/engine.ts';
import { threadsFor, WIDE } from '../engine/limits.ts';
import { columnsOf, overlayQuery } from '../outbox/overlay.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier } from '../plan/identifiers.ts';
import { columnType, writePostgresTextSql } from '../plan/types.ts';
import { digestFolder, makeFolder, outboxFolder, removeFolder, removeOlder } from '../folders.ts';
import { publishing } from './publishing.ts';
import { toldWhileWorking } from '../domain/execution.ts';
import { MANIFEST } from '../outbox/manifest.ts';
import { brokenReferences, readReferences } from '../outbox/references.ts';
import { gateBaseOf, measureTable } from '../outbox/measure.ts';
import { keepDigests, onlyAdditions, writeDigests } from './digests.ts';
import { RunError, stageError } from '../domain/run-error.ts';
import { editsOf, entriesOf, markUploading, updateEntry } from '../store/entries.ts';
import type { EntryRow } from '../store/tables.ts';
import { uploadTableOf, type Ready } from './ready.ts';
import { targetUpload, type UploadSession } from './upload-session.ts';
import { loadTargets, openTarget } from './targets.ts';
import { mayHaveRows } from './withdraw.ts';

/** An upload under way. */
type UploadContext = { session: UploadSession; plan: EffectivePlan; engine: Engine; scratch: string; folder: string };

/** Rows as the target reads them, in the order of their ids. `isSorted`: without edits they lie so in their files, and what is wide is not sorted again. */
const csvQuery = (rows: string, columns: Column[], isSorted: boolean): string =>
  `SELECT ${columns.map((column) => `${writePostgresTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB)} AS ${quoteIdentifier(column.name)}`).join(', ')} FROM (${rows})${isSorted ? '' : ' ORDER BY row_id'}`;

const refuseViolations = (table: string, violations: readonly string[]): void => {
  if (violations.length > 0)
    throw stageError('GATE_CLOSED', { violations: violations.map((sentence) => `Table ${table}: ${sentence}`).join(' ') });
};

/** The gate's first step of an upload: the rows with their edits, measured anew. */
const makeReady = async (context: UploadContext, entry: EntryRow, upload: TableUpload): Promise<Ready> => {
  const { engine, scratch, plan, session } = context;
  const columns = columnsOf(entry);
  const edits = await editsOf(session.deps.store.db, entry.id);
  const rows = await overlayQuery(context, entry, edits);
  const requirement = plan.results.find(({ name }) => name === entry.table)?.privacy;
  const before = PrivacyResult.decode(entry.privacy);
  const measured = await measureTable(engine, { rows, columns, requirement, base: gateBaseOf(before) });
  refuseViolations(entry.table, measured.privacy.violations);
  const csvPath = join(scratch, `${entry.id}.csv`);
  const digestPath = join(scratch, `${entry.id}.digests.parquet`);
  await engine.copyOut(csvQuery(rows, columns, edits.length === 0 || columns.length > WIDE.columns), csvPath, 'csv');
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

const prepareAll = async (context: UploadContext): Promise<Ready[]> => {
  const { session } = context;
  const ready: Ready[] = [];
  for (const entry of await entriesOf(session.deps.store.db, session.row.runId)) {
    session.signal.throwIfAborted();
    const upload = context.plan.uploads.find(({ table }) => table === entry.table);
    if (!upload) throw stageError('UPLOAD_MISSING', { table: entry.table });
    ready.push(await makeReady(context, entry, upload));
  }
  const queries = new Map(ready.map(({ entry, rows }) => [entry.table, rows]));
  for (const { table, sentence } of await brokenReferences(context.engine, await readReferences(context.folder), queries))
    refuseViolations(table, [sentence]);
  return ready;
};

/** By table, whether every row of the base version is still there; absent where its digests are not at hand. */
const additions = async (context: UploadContext, ready: Ready[]): Promise<Record<string, boolean>> => {
  const { deps, row, spec } = context.session;
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

/** Checks that each target knows the upload. */
const verify = async ({ session }: UploadContext, connectionIds: string[]): Promise<void> => {
  for (const connectionId of connectionIds) {
    const { target } = await openTarget(session, connectionId);
    try {
      const found = await target.probe(targetUpload(session, connectionId).uploadId);
      if (found?.is !== 'published') throw stageError('LEDGER_MISSING');
    } finally {
      await target.close();
    }
  }
};

const sumOf = (ready: readonly Ready[]): number => ready.reduce((sum, { rowCount }) => sum + rowCount, 0);

/** The next state, with the number of rows that came out of the one before. */
const enterState = async (session: UploadSession, state: RunState, rowCount: number): Promise<void> => {
  const { deps, row } = session;
  const again = row.state === state ? { waitingFor: toldWhileWorking(row) } : { waitingFor: '', lostLeaseCount: 0 };
  const report = session.reportAt({ rowCount, next: state });
  const set = { state, report, refusal: '', nextAttemptTime: null, endTime: null, reachedRevision: row.desireRevision, ...again };
  if (state === RunState.UPLOADING) await session.change('upload/begin', set, { write: (tx) => markUploading(tx, row.runId, deps.now()) });
  else await session.change('upload/verify', set);
};

const recordUploaded = async ({ session }: UploadContext, ready: Ready[], version: string): Promise<void> => {
  const { deps, row } = session;
  await keepDigests(
    session,
    digestFolder(deps.config, row.moduleId, version),
    ready.map(({ entry, digestPath }) => ({ table: entry.table, path: digestPath })),
  );
  const endTime = deps.now();
  const set = {
    state: RunState.UPLOADED,
    report: session.reportAt({ rowCount: sumOf(ready) }),
    publishing: false,
    publishedVersion: version,
    waitingFor: '',
    endTime,
    reachedRevision: row.desireRevision,
  };
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

const levelsOf = ({ privacy }: Ready): Record<string, number> =>
  Object.fromEntries(privacy.levels.map(({ column, level }) => [column, level]));

/** The document of the version, as CreateDataModule takes it. */
const documentOf = ({ session, plan }: UploadContext, ready: Ready[], version: string, files: ReadonlySet<string>): Module => {
  const { row, spec } = session;
  return publishedModule(plan, {
    version,
    previousVersion: spec.baseVersion,
    runId: row.runId,
    moduleId: spec.moduleId,
    isFile: (connectionId) => files.has(connectionId),
    tables: ready.map((table) => ({
      table: table.entry.table,
      columns: table.columns,
      contentHash: table.contentHash,
      levels: levelsOf(table),
    })),
  });
};

/** Refuses, before anything is reserved, a document that would be refused after the targets have the rows. */
const checkDocument = (context: UploadContext, ready: Ready[], files: ReadonlySet<string>): Module => {
  const module = documentOf(context, ready, '1.0.0', files);
  const violations = checkModule(module);
  if (violations.length > 0) throw stageError('PUBLISHED_INVALID', { problems: violations.map(({ message }) => message).join('; ') });
  return module;
};

const publishRun = async (context: UploadContext): Promise<void> => {
  const { session } = context;
  const ready = await prepareAll(context);
  const tables = tableVersions(ready);
  const onlyAdded = await additions(context, ready);
  const { baseVersion } = session.spec;
  const { version, files, askable } = await loadTargets(session, ready, {
    engine: context.engine,
    scratch: context.scratch,
    tableOf: (files) => uploadTableOf(checkDocument(context, ready, files), context.plan),
    reserve: async () => {
      await failpoint('upload.intent.before');
      const reserved = await publishing.reserve(session, { baseVersion, tables, onlyAdditions: onlyAdded });
      await failpoint('upload.intent.after');
      if (!session.row.publishing) await session.change('upload/publish', { publishing: true });
      return reserved;
    },
  });
  await enterState(session, RunState.VERIFYING, sumOf(ready));
  session.startProgress(RunState.VERIFYING);
  await verify(context, askable);
  await failpoint('version.bump.before');
  await publishing.commit(session, { document: writeDocument(documentOf(context, ready, version, files)), tables });
  await failpoint('version.bump.after');
  await recordUploaded(context, ready, version);
};

/** What a failure leaves: nothing while no target can have the rows; else the upload, its id and its version stay until that is known. */
const settleFailure = async (session: UploadSession, thrown: unknown): Promise<void> => {
  // Anything else says nothing of the upload: a lease that was lost, a database that is away.
  if (session.signal.aborted || !(thrown instanceof RunError) || thrown.transient) return;
  if (session.row.publishing && (await mayHaveRows(session))) return;
  await publishing.abandonReserved(session, thrown.reason);
  if (session.row.publishing) await session.change('upload/withdraw', { publishing: false });
};

/** Says which table's rows are gone, where somebody has removed files of the Outbox. */
const requireRows = async ({ deps, row }: UploadSession, folder: string): Promise<void> => {
  for (const { table, segments } of await entriesOf(deps.store.db, row.runId))
    if (!existsSync(join(folder, MANIFEST)) || segments.some(({ path }) => !existsSync(join(folder, path))))
      throw stageError('PREPARED_ROWS_GONE', { table });
};

/** A folder of this epoch's own; what workers of earlier epochs left is removed. */
const makeScratch = async (folder: string, epoch: bigint): Promise<string> => {
  await removeOlder(folder, '.upload.', epoch);
  return makeFolder(join(folder, `.upload.${epoch}`));
};

/** Uploads a prepared run. Whatever is refused before a target took it brings the run back to PREPARED with the reason. */
export const upload = async (session: UploadSession): Promise<void> => {
  const { deps, spec, signal } = session;
  const { plan } = spec;
  if (!plan) throw stageError('PLAN_MISSING');
  const folder = outboxFolder(deps.config, session.row.runId);
  let scratch: string | undefined;
  let engine: Engine | undefined;
  try {
    await requireRows(session, folder);
    scratch = await makeScratch(folder, session.row.epoch);
    const threads = threadsFor(plan.results.map(({ columns }) => columns.length));
    engine = await openEngine({ directory: folder, memoryMb: deps.config.engineMemoryMb, threads, signal });
    const isVerifying = session.row.state === RunState.VERIFYING;
    if (!isVerifying) await enterState(session, RunState.UPLOADING, 0);
    session.startProgress(isVerifying ? RunState.VERIFYING : RunState.UPLOADING);
    await publishRun({ session, plan, engine, scratch, folder });
  } catch (thrown) {
    await settleFailure(session, thrown);
    throw thrown;
  } finally {
    engine?.kill();
    if (scratch !== undefined) await removeFolder(scratch);
  }
};
