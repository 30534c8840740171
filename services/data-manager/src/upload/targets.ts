// The targets of an upload: all are loaded hidden, then the version is reserved, then each publishes in one transaction.
import type { LedgerEntry, Target, UploadTable } from '../connectors/connector.ts';
import { targetOf } from '../connectors/index.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import { stageError, toRunError } from '../domain/run-error.ts';
import type { Engine } from '../engine/engine.ts';
import { join } from 'node:path';
import { readBackHash } from './read-back.ts';
import { withVersion, type Loading, type Ready } from './ready.ts';
import { targetUpload, type UploadSession } from './upload-session.ts';

/** A target with the tables for it; `hasRows` where it has published them already. */
type Opened = { connectionId: string; type: string; target: Target; ready: Ready[]; hasRows: boolean };

/** What loading needs besides the session: where files may lie, the tables, and the reservation that comes after loading. */
type Load = {
  engine: Engine;
  scratch: string;
  /** Given the connections that are files. */
  tablesOf: (files: ReadonlySet<string>) => Map<Ready, Loading>;
  reserve: () => Promise<string>;
};

/** Opens the writing side of a connection for the session's upload. */
export const openTarget = async ({ deps, row, signal }: UploadSession, connectionId: string): Promise<{ type: string; target: Target }> => {
  const connection = await resolveConnection(deps, row, { connectionId, write: true });
  return { type: connection.type, target: await targetOf(connection, deps.config, targetUpload(row, connectionId), signal) };
};

/** The connections of an upload. */
export const connectionsOf = (ready: readonly Ready[]): string[] => [...new Set(ready.map(({ upload }) => upload.connectionId))];

/** Loads a table into the target's hidden place, and measures there what arrived. */
const stageTable = async ({ engine, scratch }: Load, target: Target, ready: Ready, table: UploadTable): Promise<void> => {
  const count = await target.stage(table, [ready.csvPath]);
  const back = join(scratch, `${ready.entry.id}.back.csv`);
  await target.readBack(table, back);
  const hash = await readBackHash(engine, back, ready.columns);
  if (count !== ready.rowCount || hash !== ready.contentHash) {
    const { connectionId } = ready.upload;
    throw stageError('TARGET_DIFFERS', { table: table.table, found: count, count: ready.rowCount }).locate({ connectionId });
  }
};

/** Drops what tries have left. A failure here changes nothing of how the upload went: the next one drops it. */
const cleanUp = async (session: UploadSession, target: Target): Promise<void> => {
  try {
    await target.cleanUp();
  } catch (error) {
    session.deps.log.warn({ runId: session.row.runId, reason: toRunError(error).reason }, 'staging tables were left at the target');
  }
};

const openAll = async (session: UploadSession, ready: readonly Ready[], opened: Opened[]): Promise<void> => {
  for (const connectionId of connectionsOf(ready)) {
    const { type, target } = await openTarget(session, connectionId);
    const own = ready.filter(({ upload }) => upload.connectionId === connectionId);
    const found: Opened = { connectionId, type, target, ready: own, hasRows: false };
    opened.push(found);
    found.hasRows = (await target.probe(targetUpload(session.row, connectionId).uploadId)) !== undefined;
  }
};

const ledgerEntry = (
  { row, spec }: UploadSession,
  version: string,
  { connectionId, ready, target }: Opened,
  tables: readonly UploadTable[],
): LedgerEntry => ({
  uploadId: targetUpload(row, connectionId).uploadId,
  epoch: Number(row.epoch),
  runId: row.runId,
  moduleId: spec.moduleId,
  version,
  tables: ready.map(({ entry, rowCount, contentHash }, index) => {
    const table = tables[index] as UploadTable;
    return { table: entry.table, rowCount, contentHash, schema: target.schemaOf(table), target: table.target, versioned: table.versioned };
  }),
});

const publishAll = async (
  session: UploadSession,
  targets: readonly Opened[],
  tables: Map<Ready, Loading>,
  version: string,
): Promise<void> => {
  for (const opened of targets) {
    session.signal.throwIfAborted();
    if (!opened.hasRows) {
      const own = opened.ready.map((one) => withVersion(tables.get(one) as Loading, version));
      await opened.target.commit(ledgerEntry(session, version, opened, own), own);
    }
    await cleanUp(session, opened.target);
  }
};

/** Loads and publishes all tables. Returns the version, and the connections that are files. */
export const loadTargets = async (
  session: UploadSession,
  ready: readonly Ready[],
  load: Load,
): Promise<{ version: string; files: ReadonlySet<string> }> => {
  const opened: Opened[] = [];
  try {
    await openAll(session, ready, opened);
    const files = new Set(opened.filter(({ type }) => type === 'file').map(({ connectionId }) => connectionId));
    const tables = load.tablesOf(files);
    for (const { target, ready: own } of opened.filter(({ hasRows }) => !hasRows)) {
      const loading = own.map((one) => withVersion(tables.get(one) as Loading, ''));
      await target.claim({ moduleId: session.spec.moduleId, runId: session.row.runId }, loading);
      for (const [index, one] of own.entries()) {
        session.signal.throwIfAborted();
        await stageTable(load, target, one, loading[index] as UploadTable);
      }
    }
    session.signal.throwIfAborted();
    const version = await load.reserve();
    await publishAll(session, opened, tables, version);
    return { version, files };
  } catch (error) {
    // A try that comes again finds its staging; one that is refused may be the last.
    if (!toRunError(error).transient) for (const { target } of opened) await cleanUp(session, target);
    throw error;
  } finally {
    for (const { target } of opened) await target.close();
  }
};
