import { mutateAsSystem } from '@lethe/db/mutate';
import type { Store } from '@lethe/db/open';
import { every, type Worker } from '@lethe/service/worker';
import { auditAccess } from '../app/views.ts';
import { hasUnmarkedExpiry, markExpired } from '../store/access-requests.ts';
import type { Tables } from '../store/tables.ts';

const EVERY_MS = 30_000;

/** Marks accesses past their end as expired, all of a round in one audit record. Until then they count as expired by their time. */
export const expireAccessesWorker = (store: Store<Tables>, now: () => Date): Worker =>
  every('expire-accesses', EVERY_MS, async () => {
    if (!(await hasUnmarkedExpiry(store.db, now()))) return;
    await mutateAsSystem(store, { service: 'user', action: 'expire-accesses' }, async (tx) => {
      const expired = await markExpired(tx, now());
      return { response: undefined, after: { access_requests: expired.map(auditAccess) } };
    });
  });
