// The targets of an upload: all are loaded hidden, then the version is reserved, then each publishes in one transaction.
import { UploadOutcome } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { writesFiles } from '@lethe/module/connection-types';
import type { LedgerEntry, Target, UploadTable } from '../connectors/connector.ts';
import { targetOf } from '../connectors/index.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import { stageError, toRunError } from '../domain/run-error.ts';
import type { Engine } from '../engine/engine.ts';
import { join } from 'node:path';
import { readBackHash } from './read-back.ts';
import { withVersion, type Loading, type Ready } from './ready.ts';
import { targetUpload, type UploadSession } from './upload-session.ts';

/** A target with the tables for it; `hasRows` where it has published them already. One that cannot be opened is absent: somebody said that it has the rows. */
type Opened = { connectionId: string; type: string; target: Target | undefined; ready: Ready[]; hasRows: boolean };

/** What loading needs besides the session: where files may lie, what makes a table, and the reservation that comes after loading. */
type Load = {
  engine: Engine;
  scratch: string;
  /** Given the connections that are files. */
  tableOf: (files: ReadonlySet<string>) => (ready: Ready) => Loading;
  reserve: () => Promise<string>;
};

/** Prepared rows with their table at the target. */
type Placed = { ready: Ready; table: UploadTable };

const place = (own: readonly Ready[], tableOf: (ready: Ready) => Loading, version: string): Placed[] =>
  own.map((ready) => ({ ready, table: withVersion(tableOf(ready), version) }));

/** Opens the writing side of a connection for the session's upload. */
export const openTarget = async (session: UploadSession, connectionId: string): Promise<{ type: string; target: Target }> => {
  const { deps, row, signal } = session;
  const connection = await resolveConnection(deps, row, { connectionId, write: true });
  return { type: connection.type, target: await targetOf(connection, deps.config, targetUpload(session, connectionId), signal) };
};

/** The connections of an upload. */
const connectionsOf = (ready: readonly Ready[]): string[] => [...new Set(ready.map(({ upload }) => upload.connectionId))];

/** Loads a table into the target's hidden place, and measures there what arrived. */
const stageTable = async ({ engine, scratch }: Load, target: Target, { ready, table }: Placed): Promise<void> => {
  const count = await target.stage(table, [ready.csvPath]);
  const back = join(scratch, `${ready.entry.id}.back.csv`);
  await target.readBack(table, back);
  const hash = await readBackHash(engine, back, ready.columns);
  if (count !== ready.rowCount || hash !== ready.contentHash) {
    const { connectionId } = ready.upload;
    throw stageError('TARGET_DIFFERS', { table: table.table, found: count, count: ready.rowCount }).locate({ connectionId });
  }
  await target.convert?.(table);
};

/** Drops what tries have left, this one's too. A failure here changes nothing of how the upload goes: the next one drops it. */
const cleanUp = async (session: UploadSession, target: Target): Promise<void> => {
  try {
    await target.cleanUp();
  } catch (error) {
    session.deps.log.warn({ runId: session.row.runId, reason: toRunError(error).reason }, 'staging tables were left at the target');
  }
};

/** Refuses a target that has the rows of an upload of this run that was given up, because somebody said that it had not. */
const refuseLeft = async ({ row, fence }: UploadSession, connectionId: string, target: Target): Promise<void> => {
  for (let uploadGeneration = 0; uploadGeneration < row.uploadGeneration; uploadGeneration += 1) {
    const left = await target.probe(targetUpload({ row: { ...row, uploadGeneration }, fence }, connectionId).uploadId);
    if (left) throw stageError('UPLOAD_LEFT_ROWS', { version: left.entry.version });
  }
};

/** Opens a target and asks what it has. Where somebody said that the rows are there, one that cannot tell has them. */
const openAndAsk = async (
  session: UploadSession,
  connectionId: string,
): Promise<Pick<Opened, 'type' | 'target' | 'hasRows'> & { isBegun: boolean }> => {
  const { deps, row, signal } = session;
  const connection = await resolveConnection(deps, row, { connectionId, write: true });
  const upload = targetUpload(session, connectionId);
  let target: Target | undefined;
  try {
    target = await targetOf(connection, deps.config, upload, signal);
    const found = await target.probe(upload.uploadId);
    return { type: connection.type, target, isBegun: found?.is === 'begun', hasRows: found?.is === 'published' };
  } catch (error) {
    await target?.close();
    signal.throwIfAborted();
    if (row.uploadOutcome !== UploadOutcome.TAKEN) throw error;
    deps.log.warn(
      { runId: row.runId, reason: toRunError(error).reason },
      'a target cannot say whether it has the rows; somebody said that it has',
    );
    return { type: connection.type, target: undefined, isBegun: false, hasRows: true };
  }
};

const openAll = async (session: UploadSession, ready: readonly Ready[], opened: Opened[]): Promise<void> => {
  for (const connectionId of connectionsOf(ready)) {
    const own = ready.filter(({ upload }) => upload.connectionId === connectionId);
    const { isBegun, ...asked } = await openAndAsk(session, connectionId);
    const found: Opened = { connectionId, ready: own, ...asked };
    opened.push(found);
    // Readers may see some of its tables: nothing else is done before the others follow.
    if (isBegun) found.hasRows = (await found.target?.finish?.()) ?? false;
    // What a target says is believed before a person, so it is no target that cannot tell.
    if (found.target && !found.hasRows) await refuseLeft(session, connectionId, found.target);
  }
};

const ledgerEntry = (
  session: UploadSession,
  version: string,
  { connectionId, target }: { connectionId: string; target: Target },
  placed: readonly Placed[],
): LedgerEntry => ({
  uploadId: targetUpload(session, connectionId).uploadId,
  epoch: Number(session.row.epoch),
  runId: session.row.runId,
  moduleId: session.spec.moduleId,
  version,
  tables: placed.map(({ ready: { entry, rowCount, contentHash }, table }) => ({
    table: entry.table,
    rowCount,
    contentHash,
    schema: target.schemaOf(table),
    target: table.target,
    versioned: table.versioned,
  })),
});

const publishAll = async (
  session: UploadSession,
  targets: readonly Opened[],
  tableOf: (ready: Ready) => Loading,
  version: string,
): Promise<void> => {
  for (const { connectionId, target, ready: own, hasRows } of targets) {
    session.signal.throwIfAborted();
    if (!target) continue;
    if (!hasRows) {
      const placed = place(own, tableOf, version);
      const tables = placed.map(({ table }) => table);
      await target.commit(ledgerEntry(session, version, { connectionId, target }, placed), tables);
    }
    await cleanUp(session, target);
  }
};

/** Loads and publishes all tables. Returns the version, the connections that are files, and those whose targets can be asked. */
export const loadTargets = async (
  session: UploadSession,
  ready: readonly Ready[],
  load: Load,
): Promise<{ version: string; files: ReadonlySet<string>; askable: string[] }> => {
  const opened: Opened[] = [];
  try {
    await openAll(session, ready, opened);
    const files = new Set(opened.filter(({ type }) => writesFiles(type)).map(({ connectionId }) => connectionId));
    const tableOf = load.tableOf(files);
    for (const { target, ready: own, hasRows } of opened) {
      if (!target || hasRows) continue;
      const placed = place(own, tableOf, '');
      const tables = placed.map(({ table }) => table);
      await target.claim({ moduleId: session.spec.moduleId, runId: session.row.runId }, tables);
      // A worker that died, or a try that a fault ended, left its rows.
      await cleanUp(session, target);
      for (const one of placed) {
        session.signal.throwIfAborted();
        await stageTable(load, target, one);
      }
    }
    session.signal.throwIfAborted();
    const version = await load.reserve();
    await publishAll(session, opened, tableOf, version);
    return { version, files, askable: opened.flatMap(({ connectionId, target }) => (target ? [connectionId] : [])) };
  } catch (error) {
    // A try that comes again removes what this one staged; one that is refused may be the last.
    if (!toRunError(error).transient) for (const { target } of opened) if (target) await cleanUp(session, target);
    throw error;
  } finally {
    for (const { target } of opened) await target?.close();
  }
};
