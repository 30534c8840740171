import { AccessRequest_State as State } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { Queryable } from '@lethe/db/open';
import type { Insertable } from 'kysely';
import type { AccessRequestRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** An access request. */
export const findAccessRequest = (db: Db, id: string): Promise<AccessRequestRow | undefined> =>
  db.selectFrom('accessRequests').selectAll().where('id', '=', id).executeTakeFirst();

/** An access request, locked for its decision. */
export const lockAccessRequest = (db: Db, id: string): Promise<AccessRequestRow> =>
  db.selectFrom('accessRequests').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();

/** The live request of a user for a connection. */
export const findLiveRequest = (
  db: Db,
  key: { connectionId: string; userId: string; access: Access },
): Promise<AccessRequestRow | undefined> =>
  db
    .selectFrom('accessRequests')
    .selectAll()
    .where('connectionId', '=', key.connectionId)
    .where('userId', '=', key.userId)
    .where('access', '=', key.access)
    .where('state', 'in', [State.PENDING, State.APPROVED])
    .executeTakeFirst();

/** A page of requests by id: of a user, or for any of the connections. */
export const listAccessRequests = (
  db: Db,
  filter: { userId: string; connectionIds: string[]; state: State; after: string; limit: number },
): Promise<AccessRequestRow[]> =>
  db
    .selectFrom('accessRequests')
    .selectAll()
    .where((row) =>
      row.or([
        row('connectionId', '=', row.fn.any(row.val(filter.connectionIds))),
        ...(filter.userId === '' ? [] : [row('userId', '=', filter.userId)]),
      ]),
    )
    .$if(filter.state !== State.UNSPECIFIED, (rows) => rows.where('state', '=', filter.state))
    .$if(filter.after !== '', (rows) => rows.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** A user's pending requests. */
export const pendingOf = (db: Db, userId: string): Promise<AccessRequestRow[]> =>
  db.selectFrom('accessRequests').selectAll().where('userId', '=', userId).where('state', '=', State.PENDING).orderBy('id').execute();

/** The approved accesses of a user that hold at `now`. */
export const grantsOf = (db: Db, userId: string, now: Date): Promise<AccessRequestRow[]> =>
  db
    .selectFrom('accessRequests')
    .selectAll()
    .where('userId', '=', userId)
    .where('state', '=', State.APPROVED)
    .where((row) => row.or([row('expireTime', 'is', null), row('expireTime', '>', now)]))
    .orderBy('id')
    .execute();

/** Makes a request. */
export const insertAccessRequest = (db: Db, request: Insertable<Tables['accessRequests']>): Promise<AccessRequestRow> =>
  db.insertInto('accessRequests').values(request).returningAll().executeTakeFirstOrThrow();

/** The decision on a request. */
export type AccessDecision = {
  state: typeof State.APPROVED | typeof State.DENIED;
  deciderId: string;
  comment: string;
  expireTime: Date | null;
};

/** Stores the decision on a request. */
export const markDecided = (db: Db, id: string, decision: AccessDecision, now: Date): Promise<AccessRequestRow> =>
  db
    .updateTable('accessRequests')
    .set({ ...decision, decideTime: now, updateTime: now })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();

/** Marks an access as revoked. */
export const markRevoked = (db: Db, id: string, comment: string, now: Date): Promise<AccessRequestRow> =>
  db
    .updateTable('accessRequests')
    .set({ state: State.REVOKED, comment, updateTime: now })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();

/** Whether there is an approved access past its end that is not marked as expired. */
export const hasUnmarkedExpiry = async (db: Db, now: Date): Promise<boolean> =>
  (await db
    .selectFrom('accessRequests')
    .select('id')
    .where('state', '=', State.APPROVED)
    .where('expireTime', '<=', now)
    .limit(1)
    .executeTakeFirst()) !== undefined;

/** Marks approved accesses past their end as expired; returns them. */
export const markExpired = (db: Db, now: Date): Promise<AccessRequestRow[]> =>
  db
    .updateTable('accessRequests')
    .set({ state: State.EXPIRED, updateTime: now })
    .where('state', '=', State.APPROVED)
    .where('expireTime', '<=', now)
    .returningAll()
    .execute();
