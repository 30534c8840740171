// The states of an execution: which stage follows which, and where a command leads.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';

/** The working states in their order. */
export const STAGES = [
  RunState.EXTRACTING,
  RunState.APPLYING_RULES,
  RunState.TRANSFORMING,
  RunState.ANONYMIZING,
  RunState.STORING,
] as const;

/** Whether a state is one of work on the data. */
export const isWorking = (state: RunState): boolean => state === RunState.QUEUED || (STAGES as readonly RunState[]).includes(state);

/** Whether a target may have rows of the run's upload. */
export const isUploading = (state: RunState): boolean => state === RunState.UPLOADING || state === RunState.VERIFYING;

/** Whether nothing will happen any more. */
export const isTerminal = (state: RunState): boolean =>
  state === RunState.UPLOADED || state === RunState.STOPPED || state === RunState.FAILED || state === RunState.EXPIRED;

/** Whether a desire interrupts work in a state. In VERIFYING a target has the rows already: what is left is to say so. */
export const interrupts = (desire: Desire, state: RunState): boolean =>
  desire === Desire.STOP ? !isTerminal(state) && state !== RunState.VERIFYING : desire === Desire.PAUSE && isWorking(state);

/** The wait before the next attempt, in milliseconds: doubling from 1 s up to 1 min. */
export const backoffMs = (attempt: number): number => Math.min(60_000, 1000 * 2 ** Math.min(attempt, 10));

/** Names of states for logs and error metadata. */
export const stateName = (state: RunState): string => Object.entries(RunState).find(([, value]) => value === state)?.[0] ?? String(state);
