// The states of an execution: where a command leads, and what is left of the data.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { isTerminal, isUploading, isWorking, phaseOf, type Phase, type STAGES } from '@lethe/contracts/run-state';

/** A stage of work on the data. */
export type Stage = (typeof STAGES)[number];

const HAS_RAW_DATA: Record<Phase, boolean> = {
  none: false,
  created: true,
  working: true,
  paused: true,
  prepared: false,
  uploading: true,
  unknown: true,
  stopped: false,
  ended: false,
};

const HAS_REVIEWABLE_DATA: Record<Phase, boolean> = {
  none: false,
  created: false,
  working: false,
  paused: false,
  prepared: true,
  uploading: false,
  unknown: false,
  stopped: true,
  ended: false,
};

/** Whether prepared rows of a run, where it has any, may be edited, and uploaded by a confirmation. */
export const hasReviewableData = (state: RunState): boolean => HAS_REVIEWABLE_DATA[phaseOf(state)];

/** Whether a run may have a folder of raw data, or of what it uploads. */
export const hasRawData = (state: RunState): boolean => HAS_RAW_DATA[phaseOf(state)];

/** Whether a desire interrupts work in a state. In VERIFYING a target has the rows already: what is left is to say so. */
export const interrupts = (desire: Desire, state: RunState): boolean =>
  desire === Desire.STOP ? !isTerminal(state) && state !== RunState.VERIFYING : desire === Desire.PAUSE && isWorking(state);

// Half a minute, by the waits below.
const TRIES_TO_TELL = 5;

/** An upload that failed: where it stands, and what is desired of it. */
type Failed = { state: RunState; desire: Desire; attempt: number };

/**
 * Whether an upload that failed, although a target may have its rows, is left to a person instead of being tried again: after some tries that failed for
 * good, and at once where workers do not survive it, or a person wants to stop it and a target is away. A service of our own that is away comes back.
 */
export const isLeftToPerson = (
  { state, desire, attempt }: Failed,
  { transient, reason }: { transient: boolean; reason: string },
): boolean => {
  if (reason === 'WORKER_DIED') return true;
  if (transient) return desire === Desire.STOP && reason !== 'SERVICE_AWAY';
  return state === RunState.UPLOAD_UNKNOWN || attempt >= TRIES_TO_TELL;
};

/** What a state that is worked on again goes on to say: that workers were lost in it. Anything else that it waited for is over. */
export const toldWhileWorking = ({ lostLeaseCount, waitingFor }: { lostLeaseCount: number; waitingFor: string }): string =>
  lostLeaseCount > 0 ? waitingFor : '';

/** How many workers a run may kill in one state before it ends. */
export const MAX_WORKER_DEATHS = 3;

/** From this many deaths on, a run is worked on by a process that works on nothing else: the next death is its own. */
export const LONE_WORKER_DEATHS = MAX_WORKER_DEATHS - 1;

/** Whether workers that died before a change of state still count after it: they do until the state is done; an upload is one work in both its states. */
export const keepsWorkerDeaths = (before: RunState, after: RunState): boolean =>
  before === after || (isUploading(before) && isUploading(after));

/** The wait before the next attempt, in milliseconds: doubling from 1 s up to 1 min. */
export const backoffMs = (attempt: number): number => Math.min(60_000, 1000 * 2 ** Math.min(attempt, 10));
