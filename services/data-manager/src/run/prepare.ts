// From QUEUED to PREPARED: the stages in order, each done once.
import { RunState, type TableReport } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Entry_State, PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { STAGES, stateName } from '@lethe/contracts/run-state';
import { failpoint } from '@lethe/db/failpoint';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { randomUUIDv7 } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import type { RunDeps } from '../deps.ts';
import { toldWhileWorking, type Stage } from '../domain/execution.ts';
import { stageError } from '../domain/run-error.ts';
import { openEngine, type Engine } from '../engine/engine.ts';
import { threadsFor } from '../engine/limits.ts';
import { makeFolder, outboxFolder, removeFolder, runFolder, STAGE_FOLDERS } from '../folders.ts';
import { openKey, runKeys } from '../keys/run-keys.ts';
import { anonymize } from '../stages/anonymize/anonymize.ts';
import { extract } from '../stages/extract/extract.ts';
import { countRows, manifestPath, readExtractManifest, readManifest } from '../stages/stage-manifest.ts';
import { preflight } from './preflight.ts';
import { collectReports } from './report.ts';
import { applyRules } from '../stages/rules/apply-rules.ts';
import type { StageContext } from '../stages/stage.ts';
import { readStored, store, type StoredTable } from '../stages/store/store.ts';
import { runTransforms } from '../stages/transform/run-transforms.ts';
import { insertEntries } from '../store/entries.ts';
import { replaceMissingLeaves } from '../store/missing-leaves.ts';
import { moduleKey } from '../store/keys.ts';
import type { ExecutionRow } from '../store/tables.ts';
import type { Session } from './session.ts';

const STORE = STAGE_FOLDERS[RunState.STORING];

const runStage = async (deps: RunDeps, row: ExecutionRow, stage: Stage, context: StageContext): Promise<void> => {
  switch (stage) {
    case RunState.EXTRACTING:
      await preflight(deps, row, context);
      await extract(deps, row, context);
      return;
    case RunState.APPLYING_RULES:
      await applyRules(context);
      return;
    case RunState.TRANSFORMING:
      await runTransforms(deps, row, context);
      return;
    case RunState.ANONYMIZING: {
      const seed = openKey(deps.config.wrappingKeys, { keyId: row.seedKeyId, bytes: row.seedWrapped }, `runs/${row.runId}`);
      await anonymize(context, runKeys(await moduleKey(deps.store.db, deps.config.wrappingKeys, row.moduleId), seed));
      return;
    }
    case RunState.STORING:
      await store(context);
      return;
  }
};

/** A stage is done when its manifest is there, made from the same plan. */
const isDone = async (directory: string, stage: Stage, planHash: string): Promise<boolean> => {
  const folder = STAGE_FOLDERS[stage];
  if (!existsSync(manifestPath(directory, folder))) return false;
  const { manifest } = stage === RunState.EXTRACTING ? await readExtractManifest(directory) : await readManifest(directory, folder);
  return manifest.planHash === planHash;
};

/** Moves the stored files to the Outbox. They are complete and only renamed, so doing it twice does no harm. */
const moveToOutbox = async ({ deps, row, fence }: Session, directory: string): Promise<void> => {
  const target = outboxFolder(deps.config, row.runId);
  const stored = join(directory, STORE);
  if (existsSync(target) && !existsSync(stored)) return;
  await makeFolder(dirname(target));
  await fence();
  await removeFolder(target);
  await rename(stored, target);
};

const entryOf = ({ row, spec, deps }: Session, stored: StoredTable, expireTime: Date) => ({
  id: randomUUIDv7(),
  runId: row.runId,
  table: stored.table,
  groupId: row.groupId,
  moduleId: row.moduleId,
  taskId: row.taskId,
  moduleName: spec.moduleName,
  taskName: spec.taskName,
  state: Entry_State.READY,
  columns: Buffer.from(Table.encode({ ...Table.decode(Buffer.alloc(0)), name: stored.table, columns: stored.columns }).finish()),
  segments: JSON.stringify(stored.segments.map((segment) => ({ ...segment, path: relative(STORE, segment.path) }))),
  rowCount: BigInt(stored.rowCount),
  editedRowCount: 0n,
  sizeBytes: BigInt(stored.sizeBytes),
  contentHash: stored.contentHash,
  schemaHash: stored.schemaHash,
  privacy: Buffer.from(PrivacyResult.encode(stored.privacy).finish()),
  nextRowId: BigInt(stored.rowCount) + 1n,
  expireTime,
  updateTime: deps.now(),
});

const enterStage = async (session: Session, directory: string, stage: Stage): Promise<void> => {
  const { row } = session;
  const before = STAGES[STAGES.indexOf(stage) - 1];
  const rowCount = before === undefined ? 0 : await countRows(directory, STAGE_FOLDERS[before]);
  await session.change(`stage/${stateName(stage)}`, {
    state: stage,
    reachedRevision: row.desireRevision,
    resumeState: RunState.UNSPECIFIED,
    nextAttemptTime: null,
    report: session.reportAt({ rowCount, next: stage }),
    ...(row.state === stage ? { waitingFor: toldWhileWorking(row) } : { waitingFor: '', attempt: 0, lostLeaseCount: 0 }),
  });
  session.startProgress(stage);
};

const sumOf = (tables: readonly StoredTable[]): number => tables.reduce((sum, { rowCount }) => sum + rowCount, 0);

/** Puts the result into the Outbox. */
const putIntoOutbox = async (session: Session, directory: string, reports: TableReport[], tables: StoredTable[]): Promise<void> => {
  const { deps, row } = session;
  await failpoint('stage.file.rename.before');
  await moveToOutbox(session, directory);
  await failpoint('stage.file.rename.after');
  const prepareTime = deps.now();
  const expireTime = new Date(prepareTime.getTime() + deps.config.retentionMs);
  const entries = tables.map((stored) => entryOf(session, stored, expireTime));
  const set = {
    state: RunState.PREPARED,
    reachedRevision: row.desireRevision,
    waitingFor: '',
    report: session.reportAt({ rowCount: sumOf(tables), tables: reports }),
    prepareTime,
    expireTime,
  };
  await session.change('prepare', set, { write: (tx) => insertEntries(tx, entries) });
  await removeFolder(directory);
};

const keepMissingLeaves =
  ({ deps, row: { runId }, fence }: Session): StageContext['keepMissingLeaves'] =>
  async (table, column, values) => {
    await fence();
    await deps.store.transaction((tx) => replaceMissingLeaves(tx, { runId, table, column, now: deps.now() }, values));
  };

/** Runs the stages that are not done yet, and puts the result into the Outbox. */
export const prepare = async (session: Session): Promise<void> => {
  const { deps, spec, signal } = session;
  const { runId } = session.row;
  const directory = await makeFolder(runFolder(deps.config, runId));
  const { plan, snapshotHash: planHash } = spec;
  if (!plan) throw stageError('PLAN_MISSING');
  let engine: Engine | undefined;
  try {
    const threads = threadsFor([...plan.tables, ...plan.results].map(({ columns }) => columns.length));
    engine = await openEngine({ directory, memoryMb: deps.config.engineMemoryMb, threads, signal });
    const onProgress: StageContext['onProgress'] = ({ table, rowCount, totalRowCount }) =>
      session.progress.report({ detail: table, rowCount: BigInt(rowCount), totalRowCount: BigInt(totalRowCount) });
    const context: StageContext = {
      directory,
      plan,
      planHash,
      engine,
      signal,
      epoch: session.row.epoch,
      fence: session.fence,
      onProgress,
      keepMissingLeaves: keepMissingLeaves(session),
    };
    for (const stage of STAGES) {
      if (await isDone(directory, stage, planHash)) continue;
      await enterStage(session, directory, stage);
      await failpoint(`stage.${stateName(stage)}.before`);
      await runStage(deps, session.row, stage, context);
      await failpoint(`stage.${stateName(stage)}.after`);
      signal.throwIfAborted();
    }
    const stored = await readStored(directory, outboxFolder(deps.config, runId));
    await putIntoOutbox(session, directory, await collectReports(directory, plan, stored), stored);
  } finally {
    engine?.kill();
  }
};
