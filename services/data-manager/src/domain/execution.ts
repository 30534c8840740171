// The states of an execution: which stage follows which, and where a command leads.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';

/** The stages of work on the data, in their order. */
export const STAGES = [
  RunState.EXTRACTING,
  RunState.APPLYING_RULES,
  RunState.TRANSFORMING,
  RunState.ANONYMIZING,
  RunState.STORING,
] as const;

/** A stage of work on the data. */
export type Stage = (typeof STAGES)[number];

/** The states before PREPARED. */
export const WORKING_STATES: readonly RunState[] = [RunState.QUEUED, ...STAGES];

/** The states in which a target may have rows of the run's upload. */
export const UPLOADING_STATES: readonly RunState[] = [RunState.UPLOADING, RunState.VERIFYING];

/** The states from which nothing follows. */
export const TERMINAL_STATES: readonly RunState[] = [RunState.UPLOADED, RunState.STOPPED, RunState.FAILED, RunState.EXPIRED];

/** The states in which a run has no raw data any more. */
export const RAW_DATA_GONE_STATES: readonly RunState[] = [RunState.PREPARED, ...TERMINAL_STATES];

/** Whether a state is one of work on the data. */
export const isWorking = (state: RunState): boolean => WORKING_STATES.includes(state);

/** Whether a target may have rows of the run's upload. */
export const isUploading = (state: RunState): boolean => UPLOADING_STATES.includes(state);

/** Whether a desire interrupts work in a state. In VERIFYING a target has the rows already: what is left is to say so. */
export const interrupts = (desire: Desire, state: RunState): boolean =>
  desire === Desire.STOP ? !TERMINAL_STATES.includes(state) && state !== RunState.VERIFYING : desire === Desire.PAUSE && isWorking(state);

/** The wait before the next attempt, in milliseconds: doubling from 1 s up to 1 min. */
export const backoffMs = (attempt: number): number => Math.min(60_000, 1000 * 2 ** Math.min(attempt, 10));

/** Names of states for logs and error metadata. */
export const stateName = (state: RunState): string => Object.entries(RunState).find(([, value]) => value === state)?.[0] ?? String(state);
