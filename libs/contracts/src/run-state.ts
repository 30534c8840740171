// The states of a run, by what they have in common. Services decide by phases, so that a new state is sorted once, here, and a new phase everywhere
// where it matters: both do not compile until that is done.
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

/**
 * What goes on in a state. `uploading`: a target may have rows of the run's upload. `unknown`: so too, and a person has to say whether it has them.
 * `stopped`: ended, but rows may be kept, which may still be uploaded or deleted. `ended`: nothing follows.
 */
export type Phase = 'none' | 'created' | 'working' | 'paused' | 'prepared' | 'uploading' | 'unknown' | 'stopped' | 'ended';

const PHASES: Record<RunState, Phase> = {
  [RunState.UNSPECIFIED]: 'none',
  [RunState.CREATED]: 'created',
  [RunState.QUEUED]: 'working',
  [RunState.EXTRACTING]: 'working',
  [RunState.APPLYING_RULES]: 'working',
  [RunState.TRANSFORMING]: 'working',
  [RunState.ANONYMIZING]: 'working',
  [RunState.STORING]: 'working',
  [RunState.PREPARED]: 'prepared',
  [RunState.UPLOADING]: 'uploading',
  [RunState.VERIFYING]: 'uploading',
  [RunState.UPLOADED]: 'ended',
  [RunState.PAUSED]: 'paused',
  [RunState.STOPPED]: 'stopped',
  [RunState.FAILED]: 'ended',
  [RunState.EXPIRED]: 'ended',
  [RunState.UPLOAD_UNKNOWN]: 'unknown',
};

/** The phase of a state. */
export const phaseOf = (state: RunState): Phase => PHASES[state];

/** The states of some phases. What depends on each phase is better a record by phase. */
export const statesOf = (...phases: readonly Phase[]): readonly RunState[] =>
  Object.values(RunState).filter((state) => phases.includes(phaseOf(state)));

/** The states in which a run's data is prepared or waits to be. */
export const WORKING = statesOf('working');

/** The states in which a target may have rows of the run's upload, and the run goes on by itself. */
export const UPLOADING = statesOf('uploading');

/** The states in which a run has ended. Of a stopped one, rows that are kept may still be uploaded. */
export const TERMINAL = statesOf('stopped', 'ended');

/** Whether the state is one of preparing data. */
export const isWorking = (state: RunState): boolean => phaseOf(state) === 'working';

/** Whether a target may have rows of the run's upload, and the run goes on by itself. */
export const isUploading = (state: RunState): boolean => phaseOf(state) === 'uploading';

/** Whether a run has ended. */
export const isTerminal = (state: RunState): boolean => TERMINAL.includes(state);

/** The state's name without prefix, for logs and error metadata. */
export const stateName = (state: RunState): string => enumName(RunState, state);
