// The states of a run and what may be asked of it in each.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';

const WORKING = [
  RunState.CREATED,
  RunState.QUEUED,
  RunState.EXTRACTING,
  RunState.APPLYING_RULES,
  RunState.TRANSFORMING,
  RunState.ANONYMIZING,
  RunState.STORING,
] as const;
const LIVE = new Set<RunState>([...WORKING, RunState.PAUSED, RunState.UPLOADING, RunState.VERIFYING, RunState.UPLOAD_UNKNOWN]);
const TERMINAL = new Set<RunState>([RunState.UPLOADED, RunState.STOPPED, RunState.FAILED, RunState.EXPIRED]);

/** What a caller asks of a run. */
export type Command = 'PAUSE' | 'RESUME' | 'STOP' | 'UPLOAD';

/** Whether a run stands in the way of another run of its task. A prepared run does only while its upload has been asked for. */
export const isLive = (state: RunState, desire: Desire, reconciling: boolean): boolean =>
  LIVE.has(state) || (state === RunState.PREPARED && desire === Desire.UPLOAD && reconciling);

/** Whether nothing will happen to the run any more. */
export const isTerminal = (state: RunState): boolean => TERMINAL.has(state);

const isWorking = (state: RunState): boolean => (WORKING as readonly RunState[]).includes(state);

/** The desire that a command makes of a run, or undefined where the state does not allow it. */
export const desireOf = (command: Command, state: RunState): Desire | undefined => {
  switch (command) {
    case 'PAUSE':
      return isWorking(state) ? Desire.PAUSE : undefined;
    case 'RESUME':
      if (state === RunState.PAUSED) return Desire.RUN;
      return state === RunState.PREPARED ? Desire.UPLOAD : undefined;
    case 'UPLOAD':
      return state === RunState.PREPARED ? Desire.UPLOAD : undefined;
    case 'STOP':
      return isTerminal(state) ? undefined : Desire.STOP;
  }
};

/** The names of states, for error metadata. */
export const stateName = (state: RunState): string => Object.entries(RunState).find(([, value]) => value === state)?.[0] ?? String(state);
