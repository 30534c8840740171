// A run as it stands now: the mirror, what DataManager says, and what only we know.
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CallContext } from '@lethe/grpc/context';
import { isTerminal } from '../domain/run.ts';
import { waitsForDelivery } from '../store/runs.ts';
import type { RunRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { askExecution } from './mirror.ts';
import { runView } from './views.ts';

const DELIVERY_NOTICE_MS = 1_000;
const NOT_DELIVERED = 'the delivery of its events to DataManager: the message bus is away';

/** Reads a run with the freshest progress that can be had. */
export const observe = async (deps: Deps, ctx: CallContext, row: RunRow, snapshot = false): Promise<Run> => {
  const mirrored = runView(row, { snapshot });
  if (isTerminal(mirrored.state)) return mirrored;
  const fresher = await askExecution(deps, ctx, row.id, true);
  const view = runView(row, { fresher, snapshot });
  if (!view.reconciling || view.waitingFor !== '') return view;
  return (await waitsForDelivery(deps.store.db, row, DELIVERY_NOTICE_MS)) ? { ...view, waitingFor: NOT_DELIVERED } : view;
};
