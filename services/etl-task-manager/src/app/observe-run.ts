import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CallContext } from '@lethe/grpc/context';
import { isSettled } from '../domain/run.ts';
import { waitsForDelivery } from '../store/runs.ts';
import type { RunRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { fetchExecution } from './mirror.ts';
import { runView } from './views.ts';

const UNDELIVERED_AFTER_MS = 1_000;
const NOT_DELIVERED = 'the delivery of its events to DataManager: the message bus is away';

/** A run as it is now: by its row, by DataManager where that can be reached, and whether its events are delivered. */
export const observeRun = async (deps: Deps, ctx: CallContext, row: RunRow, options: { snapshot?: boolean } = {}): Promise<Run> => {
  const stored = runView(row, options);
  if (isSettled(stored.state, stored.desire)) return stored;
  const view = runView(row, { ...options, fetched: await fetchExecution(deps, ctx, row.id, { optional: true }) });
  if (!view.reconciling || view.waitingFor !== '') return view;
  return (await waitsForDelivery(deps.store.db, row, UNDELIVERED_AFTER_MS)) ? { ...view, waitingFor: NOT_DELIVERED } : view;
};
