// Which commands a run takes in each state, and when it prevents another run of its task.
import { Desire, type RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { phaseOf, type Phase } from '@lethe/contracts/run-state';

/** A command of a caller to a run. */
export type Command = 'PAUSE' | 'RESUME' | 'STOP' | 'UPLOAD' | 'RESOLVE';

type PhaseFacts = {
  /** Whether the run prevents another run of its task. */
  isLive: boolean;
  /** The commands that are taken, with the desire that each makes. */
  takes: Partial<Record<Command, Desire>>;
};

const FACTS: Record<Phase, PhaseFacts> = {
  none: { isLive: false, takes: {} },
  created: { isLive: true, takes: { PAUSE: Desire.PAUSE, STOP: Desire.STOP } },
  working: { isLive: true, takes: { PAUSE: Desire.PAUSE, STOP: Desire.STOP } },
  paused: { isLive: true, takes: { RESUME: Desire.RUN, STOP: Desire.STOP } },
  prepared: { isLive: false, takes: { RESUME: Desire.UPLOAD, UPLOAD: Desire.UPLOAD, STOP: Desire.STOP } },
  uploading: { isLive: true, takes: { STOP: Desire.STOP } },
  // No STOP: nobody knows what would be left at the targets.
  unknown: { isLive: true, takes: { RESUME: Desire.UPLOAD, RESOLVE: Desire.UPLOAD } },
  ended: { isLive: false, takes: {} },
};

/** Whether a run prevents another run of its task. A prepared run does so only while its upload is desired and DataManager has not reacted to that. */
export const isLive = (state: RunState, desire: Desire, reconciling: boolean): boolean =>
  FACTS[phaseOf(state)].isLive || (phaseOf(state) === 'prepared' && desire === Desire.UPLOAD && reconciling);

/** The desire that a command makes of a run, or undefined where the state does not allow it. */
export const desireOf = (command: Command, state: RunState): Desire | undefined => FACTS[phaseOf(state)].takes[command];
