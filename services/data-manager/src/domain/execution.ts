// The states of an execution: where a command leads, and what is left of the data.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { isTerminal, isWorking, TERMINAL, type STAGES } from '@lethe/contracts/run-state';

/** A stage of work on the data. */
export type Stage = (typeof STAGES)[number];

/** The states in which a run has no raw data any more. */
export const WITHOUT_RAW_DATA: readonly RunState[] = [RunState.PREPARED, ...TERMINAL];

/** Whether a desire interrupts work in a state. In VERIFYING a target has the rows already: what is left is to say so. */
export const interrupts = (desire: Desire, state: RunState): boolean =>
  desire === Desire.STOP ? !isTerminal(state) && state !== RunState.VERIFYING : desire === Desire.PAUSE && isWorking(state);

// Half a minute, by the waits below.
const TRIES_TO_TELL = 5;

/** Whether an upload that failed for good, although a target may have its rows, is left to a person, instead of being tried again. */
export const isLeftToPerson = (state: RunState, attempt: number): boolean => state === RunState.UPLOAD_UNKNOWN || attempt >= TRIES_TO_TELL;

/** What a state that is worked on again goes on to say: that workers were lost in it. Anything else that it waited for is over. */
export const toldWhileWorking = ({ lostLeaseCount, waitingFor }: { lostLeaseCount: number; waitingFor: string }): string =>
  lostLeaseCount > 0 ? waitingFor : '';

/** The wait before the next attempt, in milliseconds: doubling from 1 s up to 1 min. */
export const backoffMs = (attempt: number): number => Math.min(60_000, 1000 * 2 ** Math.min(attempt, 10));
