import type { Queryable } from '@lethe/db/open';
import type { KeyRing } from '@lethe/db/envelope';
import { newWrappedKey, openKey } from '../keys/run-keys.ts';
import type { Tables } from './tables.ts';

/** The pseudonym key of a module, made at its first run. It stays the same over the module's life. */
export const moduleKey = async (db: Queryable<Tables>, keys: KeyRing, moduleId: string): Promise<Buffer> => {
  const place = `modules/${moduleId}`;
  const made = newWrappedKey(keys, place);
  await db
    .insertInto('moduleKeys')
    .values({ moduleId, keyId: made.keyId, wrapped: made.bytes })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const stored = await db.selectFrom('moduleKeys').selectAll().where('moduleId', '=', moduleId).executeTakeFirstOrThrow();
  return openKey(keys, { keyId: stored.keyId, bytes: stored.wrapped }, place);
};
