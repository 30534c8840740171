// Every change to a user's rights: a new revision, an event to the services that cache rights, and this service's own cache dropped.
import { AccessChanged } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { event } from '@lethe/db/event';
import { mutate, type Change } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { raiseAuthzRevision } from '../store/authz.ts';
import type { Tx } from '../store/tables.ts';
import type { Deps } from './deps.ts';

// AuditLogger waits for its cache to expire (5 s): its numbers of a source count audit records alone, so that a gap means a lost one.
const CACHING = ['script', 'extdatamodule', 'task', 'data'] as const;

/** As `mutate`, for a change that touches the rights of `userIds`; the response carries the new revision. */
export const changeRights = async <R extends { authzRevision: bigint }>(
  deps: Deps,
  ctx: CallContext,
  { requestId, userIds }: { requestId: string; userIds: readonly string[] },
  fn: (tx: Tx, authzRevision: bigint) => Promise<Change<R>>,
): Promise<R> => {
  const response = await mutate(deps.store, ctx, requestId, async (tx) => {
    const authzRevision = await raiseAuthzRevision(tx);
    const change = await fn(tx, authzRevision);
    const events = userIds.flatMap((userId) => CACHING.map((consumer) => event(consumer, AccessChanged, { userId, authzRevision })));
    return { ...change, events: [...(change.events ?? []), ...events] };
  });
  deps.dropRights(userIds);
  return response;
};
