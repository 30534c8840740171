// A worker's turn at an execution: the one owner of its row, of its lease, and of the signal that ends the turn.
import { ExecutionSpec, type RunState, type TableReport } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { RunDeps } from '../deps.ts';
import { releaseLease, fenceLease, type ExecutionUpdate } from '../store/executions.ts';
import type { ExecutionRow } from '../store/tables.ts';
import { beginStage, endStage } from '../domain/stage-times.ts';
import { watchCommands } from './command-watch.ts';
import { holdLease } from './lease.ts';
import type { Poll } from './poll.ts';
import { openProgress, type ProgressReport } from './progress.ts';
import { LeaseLost, transition, type ChangeOptions } from './transition.ts';
import { decodeReports, encodeReports } from './view.ts';

/** Somebody wants the run paused or stopped. */
export class Interrupted extends Error {
  constructor() {
    super('the run was interrupted by a command');
    this.name = 'Interrupted';
  }
}

/** A worker's turn. `signal` aborts with LeaseLost, Interrupted, or the reason of the outer signal. */
export class Session {
  readonly deps: RunDeps;
  readonly spec: ExecutionSpec;
  readonly signal: AbortSignal;
  readonly progress: ProgressReport;
  readonly #polls: Poll[];
  #row: ExecutionRow;

  constructor(deps: RunDeps, claimed: ExecutionRow, outer: AbortSignal) {
    const control = new AbortController();
    const onLost = (): void => control.abort(new LeaseLost());
    const onInterrupt = (): void => control.abort(new Interrupted());
    this.deps = deps;
    this.spec = ExecutionSpec.decode(claimed.spec);
    this.signal = AbortSignal.any([control.signal, outer]);
    this.#row = claimed;
    this.progress = openProgress(deps, claimed);
    const commands = watchCommands(deps, claimed, () => this.#row, { onInterrupt, onLost });
    this.#polls = [holdLease(deps, claimed, onLost), commands, this.progress];
  }

  /** The execution as this turn last wrote it. */
  get row(): ExecutionRow {
    return this.#row;
  }

  /** Changes the execution; throws LeaseLost when another worker has it. */
  async change(action: string, set: ExecutionUpdate, options: ChangeOptions = {}): Promise<void> {
    const { runId, epoch } = this.#row;
    this.#row = await transition(this.deps, { runId, epoch, action, set, ...options });
  }

  /**
   * Holds the lease for its whole time from now on, or throws LeaseLost where another worker has the execution. Called before each step that another
   * worker would see and that no epoch in the database fences.
   */
  readonly fence = async (): Promise<void> => {
    const { runId, epoch } = this.#row;
    if (!(await fenceLease(this.deps.store.db, runId, epoch, this.deps.config.leaseMs))) throw new LeaseLost();
    this.signal.throwIfAborted();
  };

  /** The execution's report where the stage under way ends with a number of rows, and another begins. `tables` are what the stages report of tables. */
  reportAt({ rowCount, next, tables }: { rowCount: number; next?: RunState; tables?: TableReport[] }): Buffer {
    const known = decodeReports(this.#row.report);
    const now = this.deps.now();
    const ended = endStage(known.stages, now, BigInt(rowCount));
    return encodeReports({ tables: tables ?? known.tables, stages: next === undefined ? ended : beginStage(ended, next, now) });
  }

  /** A stage begins, for those who look at the progress. */
  startProgress(stage: RunState): void {
    this.progress.start(stage);
  }

  /** Ends the turn and gives the lease back. */
  async close(): Promise<void> {
    for (const poll of this.#polls) await poll.stop();
    await releaseLease(this.deps.store.db, this.#row.runId, this.#row.epoch).catch(() => {});
  }
}
