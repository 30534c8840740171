import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';

const TERMINAL: readonly RunState[] = [RunState.UPLOADED, RunState.STOPPED, RunState.FAILED, RunState.EXPIRED];

/** Whether nothing will happen to a run any more. */
export const isTerminalState = (state: RunState): boolean => TERMINAL.includes(state);

/** The name of a state. */
export const stateName = (state: RunState): string => Object.entries(RunState).find(([, value]) => value === state)?.[0] ?? '';
