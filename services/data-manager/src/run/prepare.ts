// From QUEUED to PREPARED: the stages in order, each done once.
import { type ExecutionSpec, RunState, type TableReport } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { failpoint } from '@lethe/db/failpoint';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { randomUUIDv7 } from 'node:crypto';
import { dirname, join } from 'node:path';
import { STAGES, stateName } from '../domain/execution.ts';
import { openEngine, type Engine } from '../engine/engine.ts';
import { runKeys, unwrap } from '../keys/wrap.ts';
import { moduleKey } from '../store/keys.ts';
import type { ExecutionRow } from '../store/tables.ts';
import { anonymize } from '../stages/anonymize/anonymize.ts';
import { applyRules } from '../stages/rules/apply-rules.ts';
import type { RunDeps } from '../deps.ts';
import { extract } from '../stages/extract/extract.ts';
import { RunFailure } from './failure.ts';
import { makeFolder, outboxFolder, removeFolder, runFolder } from '../folders.ts';
import type { Keeper } from './keeper.ts';
import { manifestPath, readExtractManifest, readManifest } from '../stages/manifest.ts';
import { collectReports } from '../stages/report.ts';
import type { StageContext } from '../stages/stage.ts';
import { readStored, store, type StoredTable } from '../stages/store/store.ts';
import { transformWith } from '../stages/transform/transform-with.ts';
import { transition } from './transition.ts';
import { encodeReports } from './view.ts';

// The folder of each stage's output.
const FOLDERS: Record<number, string> = {
  [RunState.EXTRACTING]: 'extract',
  [RunState.APPLYING_RULES]: 'rules',
  [RunState.TRANSFORMING]: 'transform',
  [RunState.ANONYMIZING]: 'anonymize',
  [RunState.STORING]: 'store',
};

const runStage = async (deps: RunDeps, row: ExecutionRow, stage: RunState, context: StageContext): Promise<void> => {
  switch (stage) {
    case RunState.EXTRACTING:
      await extract(deps, row, context);
      return;
    case RunState.APPLYING_RULES:
      await applyRules(context);
      return;
    case RunState.TRANSFORMING:
      await transformWith(deps, row, context);
      return;
    case RunState.ANONYMIZING: {
      const seed = unwrap(deps.config.wrappingKeys, { keyId: row.seedKeyId, bytes: row.seedWrapped }, `runs/${row.runId}`);
      await anonymize(context, runKeys(await moduleKey(deps.store.db, deps.config.wrappingKeys, row.moduleId), seed));
      return;
    }
    case RunState.STORING:
      await store(context);
      return;
    default:
      throw new RunFailure('INTERNAL', `no stage ${stateName(stage)}`, {});
  }
};

/** A stage is done when its manifest is there, made from the same plan. */
const isDone = async (directory: string, stage: RunState, planHash: string): Promise<boolean> => {
  const folder = FOLDERS[stage] ?? '';
  if (!existsSync(manifestPath(directory, folder))) return false;
  const { manifest } = folder === 'extract' ? await readExtractManifest(directory) : await readManifest(directory, folder);
  return manifest.planHash === planHash;
};

/** Moves the stored files to the Outbox. They are complete and only renamed, so doing it twice does no harm. */
const moveToOutbox = async (deps: RunDeps, runId: string, directory: string): Promise<void> => {
  const target = outboxFolder(deps.config, runId);
  if (existsSync(target) && !existsSync(join(directory, 'store'))) return;
  await removeFolder(target);
  await makeFolder(dirname(target));
  await rename(join(directory, 'store'), target);
};

const insertEntries = (deps: RunDeps, row: ExecutionRow, tables: StoredTable[], expireTime: Date) =>
  tables.map((stored) => ({
    id: randomUUIDv7(),
    runId: row.runId,
    table: stored.table,
    groupId: row.groupId,
    moduleId: row.moduleId,
    taskId: row.taskId,
    state: 1,
    columns: Buffer.from(Table.encode({ ...Table.decode(Buffer.alloc(0)), name: stored.table, columns: stored.columns }).finish()),
    segments: JSON.stringify(stored.segments.map((segment) => ({ ...segment, path: segment.path.replace(/^store\//, '') }))),
    rowCount: BigInt(stored.rowCount),
    editedRowCount: 0n,
    sizeBytes: BigInt(stored.sizeBytes),
    contentHash: stored.contentHash,
    schemaHash: stored.schemaHash,
    privacy: Buffer.from(PrivacyResult.encode(stored.privacy).finish()),
    nextRowId: BigInt(stored.rowCount) + 1n,
    expireTime,
    updateTime: deps.now(),
  }));

const finish = async (
  deps: RunDeps,
  row: ExecutionRow,
  directory: string,
  reports: TableReport[],
  tables: StoredTable[],
): Promise<ExecutionRow> => {
  await failpoint('stage.file.rename.before');
  await moveToOutbox(deps, row.runId, directory);
  await failpoint('stage.file.rename.after');
  const expireTime = new Date(deps.now().getTime() + deps.config.retentionMs);
  const entries = insertEntries(deps, row, tables, expireTime);
  const prepared = await transition(deps.store, deps.now, {
    runId: row.runId,
    epoch: row.epoch,
    action: 'prepare',
    set: {
      state: RunState.PREPARED,
      reachedRevision: row.desireRevision,
      waitingFor: '',
      report: encodeReports(reports),
      prepareTime: deps.now(),
      expireTime,
    },
    also: async (tx) => {
      if (entries.length > 0) await tx.insertInto('entries').values(entries).execute();
    },
  });
  await removeFolder(directory);
  return prepared;
};

const enter = (deps: RunDeps, row: ExecutionRow, stage: RunState): Promise<ExecutionRow> =>
  transition(deps.store, deps.now, {
    runId: row.runId,
    epoch: row.epoch,
    action: `stage/${stateName(stage)}`,
    set: {
      state: stage,
      reachedRevision: row.desireRevision,
      resumeState: RunState.UNSPECIFIED,
      waitingFor: '',
      nextAttemptTime: null,
      ...(row.state === stage ? {} : { attempt: 0 }),
    },
  });

/** Runs the stages that are not done yet, and puts the result into the Outbox. */
export const prepare = async (
  deps: RunDeps,
  claimed: ExecutionRow,
  spec: ExecutionSpec,
  keeper: Keeper,
  advance: (row: ExecutionRow) => void,
): Promise<void> => {
  let row = claimed;
  const directory = await makeFolder(runFolder(deps.config, row.runId));
  const plan = spec.plan;
  if (!plan) throw new RunFailure('INTERNAL', 'the run has no plan', {});
  let engine: Engine | undefined;
  try {
    engine = await openEngine({ directory, memoryMb: deps.config.engineMemoryMb, signal: keeper.signal });
    const onProgress: StageContext['onProgress'] = ({ table, rowCount, totalRowCount }) =>
      keeper.report({ detail: table, rowCount: BigInt(rowCount), totalRowCount: BigInt(totalRowCount) });
    const context: StageContext = { directory, plan, planHash: spec.snapshotHash, engine, signal: keeper.signal, onProgress };
    for (const stage of STAGES) {
      if (await isDone(directory, stage, spec.snapshotHash)) continue;
      row = await enter(deps, row, stage);
      advance(row);
      keeper.enter(stage);
      await failpoint(`stage.${stateName(stage)}.before`);
      await runStage(deps, row, stage, context);
      await failpoint(`stage.${stateName(stage)}.after`);
      keeper.signal.throwIfAborted();
    }
    const stored = await readStored(directory, outboxFolder(deps.config, row.runId));
    row = await finish(deps, row, directory, await collectReports(directory, plan, stored), stored);
    advance(row);
  } finally {
    engine?.kill();
  }
};
