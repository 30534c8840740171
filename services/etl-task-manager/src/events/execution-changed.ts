import { ExecutionChanged } from '@lethe/contracts/gen/lethe/event/v1/facts';
import type { EventHandler } from '@lethe/events/consume';
import { takeExecution } from '../rpc/mirror.ts';
import type { Tables } from '../store/tables.ts';

/** Takes in how an execution stands. */
export const executionChanged =
  (now: () => Date): EventHandler<Tables> =>
  async (tx, { payload }) => {
    const { execution } = ExecutionChanged.decode(payload);
    if (execution) await takeExecution(tx, execution, now());
  };
