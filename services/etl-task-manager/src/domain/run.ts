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
  /** Those that are taken where prepared rows are kept. */
  takesOfKept?: Partial<Record<Command, Desire>>;
  /** Whether a confirmation uploads its rows. */
  isConfirmable: boolean;
};

const FACTS: Record<Phase, PhaseFacts> = {
  none: { isLive: false, isConfirmable: false, takes: {} },
  created: { isLive: true, isConfirmable: false, takes: { PAUSE: Desire.PAUSE, STOP: Desire.STOP } },
  working: { isLive: true, isConfirmable: false, takes: { PAUSE: Desire.PAUSE, STOP: Desire.STOP } },
  paused: { isLive: true, isConfirmable: false, takes: { RESUME: Desire.RUN, STOP: Desire.STOP } },
  prepared: { isLive: false, isConfirmable: true, takes: { RESUME: Desire.UPLOAD, UPLOAD: Desire.UPLOAD, STOP: Desire.STOP } },
  uploading: { isLive: true, isConfirmable: false, takes: { STOP: Desire.STOP } },
  // No STOP: nobody knows what would be left at the targets.
  unknown: { isLive: true, isConfirmable: false, takes: { RESUME: Desire.UPLOAD, RESOLVE: Desire.UPLOAD } },
  // Of what was kept.
  stopped: {
    isLive: false,
    isConfirmable: true,
    takes: {},
    takesOfKept: { RESUME: Desire.UPLOAD, UPLOAD: Desire.UPLOAD, STOP: Desire.STOP },
  },
  ended: { isLive: false, isConfirmable: false, takes: {} },
};

/** A run as far as commands depend on it: `hasEntries` = prepared rows of it are kept. */
export type Commanded = { state: RunState; hasEntries: boolean };

/** Whether a run prevents another run of its task. One that has prepared rows does so only while its upload is desired and DataManager has not reacted. */
export const isLive = (state: RunState, desire: Desire, reconciling: boolean): boolean =>
  FACTS[phaseOf(state)].isLive || (isConfirmable(state) && desire === Desire.UPLOAD && reconciling);

/** Whether rows of a run in the state may be uploaded by a confirmation. */
export const isConfirmable = (state: RunState): boolean => FACTS[phaseOf(state)].isConfirmable;

/** Whether a run comes to what is desired of it no more than it has. */
export const isSettled = (state: RunState, desire: Desire): boolean => {
  const phase = phaseOf(state);
  return phase === 'stopped' ? desire !== Desire.UPLOAD && desire !== Desire.STOP : phase === 'ended';
};

/** The desire that a command makes of a run, or undefined where its state does not allow it. */
export const desireOf = (command: Command, { state, hasEntries }: Commanded): Desire | undefined => {
  const { takes, takesOfKept } = FACTS[phaseOf(state)];
  return takes[command] ?? (hasEntries ? takesOfKept?.[command] : undefined);
};
