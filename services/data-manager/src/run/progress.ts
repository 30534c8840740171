// How far a stage is: kept in memory, written down now and then.
import { stopwatch } from '@lethe/contracts/clock';
import { Progress, type RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { saveProgress } from '../store/executions.ts';
import type { ExecutionRow } from '../store/tables.ts';
import type { RunDeps } from '../deps.ts';
import { poll, type Poll } from './poll.ts';

const SAVE_EVERY_MS = 300;

/** The progress of an execution. */
export type ProgressReport = Poll & {
  /** A stage begins. */
  start: (stage: RunState) => void;
  /** What the stage has done so far. */
  report: (values: Pick<Progress, 'detail' | 'rowCount' | 'totalRowCount'>) => void;
};

const empty = (): Progress => Progress.decode(Buffer.alloc(0));

/** Begins to write down the progress of an execution. */
export const openProgress = (deps: RunDeps, { runId, epoch }: ExecutionRow): ProgressReport => {
  let elapsedMs = stopwatch();
  let progress = empty();
  let isSaved = true;
  const set = (next: Progress): void => {
    progress = next;
    isSaved = false;
  };
  const saving = poll(deps, { what: 'save the progress', everyMs: SAVE_EVERY_MS }, async () => {
    if (isSaved) return;
    isSaved = true;
    await saveProgress(deps.store.db, runId, epoch, Buffer.from(Progress.encode(progress).finish()));
  });
  return {
    stop: saving.stop,
    start: (stage) => {
      elapsedMs = stopwatch();
      set({ ...empty(), stage, stageStartTime: deps.now() });
    },
    report: (values) => {
      const seconds = Math.max(0.001, elapsedMs() / 1000);
      const rowsPerSecond = Number(values.rowCount) / seconds;
      const leftCount = Number(values.totalRowCount - values.rowCount);
      const remainingSeconds = leftCount > 0 && rowsPerSecond > 0 ? BigInt(Math.ceil(leftCount / rowsPerSecond)) : 0n;
      set({ ...progress, ...values, rowsPerSecond, remainingSeconds });
    },
  };
};
