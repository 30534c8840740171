// Which commands a run takes in each state, and when it prevents another run of its task.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { isTerminal, isWorking, LIVE } from '@lethe/contracts/run-state';

/** A command of a caller to a run. */
export type Command = 'PAUSE' | 'RESUME' | 'STOP' | 'UPLOAD' | 'RESOLVE';

/** Whether a run prevents another run of its task. A prepared run does so only while its upload is desired and DataManager has not reacted to that. */
export const isLive = (state: RunState, desire: Desire, reconciling: boolean): boolean =>
  LIVE.includes(state) || (state === RunState.PREPARED && desire === Desire.UPLOAD && reconciling);

/** The desire that a command makes of a run, or undefined where the state does not allow it. */
export const desireOf = (command: Command, state: RunState): Desire | undefined => {
  switch (command) {
    case 'PAUSE':
      return state === RunState.CREATED || isWorking(state) ? Desire.PAUSE : undefined;
    case 'RESUME':
      if (state === RunState.PAUSED) return Desire.RUN;
      return state === RunState.PREPARED || state === RunState.UPLOAD_UNKNOWN ? Desire.UPLOAD : undefined;
    case 'UPLOAD':
      return state === RunState.PREPARED ? Desire.UPLOAD : undefined;
    case 'RESOLVE':
      return state === RunState.UPLOAD_UNKNOWN ? Desire.UPLOAD : undefined;
    // Nobody knows what would be left at the targets of an unknown upload.
    case 'STOP':
      return isTerminal(state) || state === RunState.UPLOAD_UNKNOWN ? undefined : Desire.STOP;
  }
};
