import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { signTicket } from '@lethe/grpc/service-tokens';
import type { RunRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { connectionsOf } from './connections.ts';

/** A new ticket for the connections of a run, in the name of the user who released the task. */
export const ticketFor = (
  deps: Pick<Deps, 'identity' | 'config'>,
  run: Pick<RunRow, 'id' | 'groupId' | 'releasedBy' | 'snapshotHash'>,
  plan: EffectivePlan,
): Promise<string> =>
  signTicket(
    deps.identity,
    { runId: run.id, groupId: run.groupId, releasedBy: run.releasedBy, snapshotHash: run.snapshotHash, connections: connectionsOf(plan) },
    deps.config.ticketLifetimeMs,
  );
