// The states of a run, by what they have in common. DataManager and EtlTaskManager decide by the same sets.
import { RunState } from '../gen/lethe/data/v1/execution.ts';
import { enumName } from './enum-name.ts';

/** The stages that work on data, in their order. */
export const STAGES = [
  RunState.EXTRACTING,
  RunState.APPLYING_RULES,
  RunState.TRANSFORMING,
  RunState.ANONYMIZING,
  RunState.STORING,
] as const satisfies readonly RunState[];

/** The states in which a run's data is prepared or waits to be. */
export const WORKING: readonly RunState[] = [RunState.QUEUED, ...STAGES];

/** The states in which a target may have rows of the run's upload. */
export const UPLOADING: readonly RunState[] = [RunState.UPLOADING, RunState.VERIFYING];

/** The states that nothing follows. */
export const TERMINAL: readonly RunState[] = [RunState.UPLOADED, RunState.STOPPED, RunState.FAILED, RunState.EXPIRED];

/** The states in which another run of the same task cannot start. */
export const LIVE: readonly RunState[] = [RunState.CREATED, ...WORKING, RunState.PAUSED, ...UPLOADING, RunState.UPLOAD_UNKNOWN];

/** Whether the state is one of preparing data. */
export const isWorking = (state: RunState): boolean => WORKING.includes(state);

/** Whether a target may have rows of the run's upload. */
export const isUploading = (state: RunState): boolean => UPLOADING.includes(state);

/** Whether nothing follows the state. */
export const isTerminal = (state: RunState): boolean => TERMINAL.includes(state);

/** The state's name without prefix, for logs and error metadata. */
export const stateName = (state: RunState): string => enumName(RunState, state);
