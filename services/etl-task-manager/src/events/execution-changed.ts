import { ExecutionChanged } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { on } from '@lethe/events/consume';
import { takeExecution } from '../app/mirror.ts';
import type { Tables } from '../store/tables.ts';

/** Stores the state of an execution. */
export const executionChanged = (now: () => Date) =>
  on<Tables, ExecutionChanged>(ExecutionChanged, async (tx, { execution }) => {
    if (execution) await takeExecution(tx, execution, now());
  });
