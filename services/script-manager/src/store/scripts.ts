import { Script_Type as Type, ScriptVersion_State as State } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { Queryable } from '@lethe/db/open';
import type { Insertable, Updateable } from 'kysely';
import type { ScriptRow, Tables, VersionRow } from './tables.ts';

type Db = Queryable<Tables>;

/** A script that is not deleted. */
export const findScript = (db: Db, id: string): Promise<ScriptRow | undefined> =>
  db.selectFrom('scripts').selectAll().where('id', '=', id).where('deleteTime', 'is', null).executeTakeFirst();

/** A script, locked for a change. */
export const lockScript = (db: Db, id: string): Promise<ScriptRow> =>
  db.selectFrom('scripts').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();

/** A version of a script. */
export const findVersion = (db: Db, scriptId: string, number: number): Promise<VersionRow | undefined> =>
  db.selectFrom('scriptVersions').selectAll().where('scriptId', '=', scriptId).where('number', '=', number).executeTakeFirst();

/** Filters of a list; empty ones do not filter. `groupIds` undefined = all groups. */
export type ScriptFilter = {
  groupIds: string[] | undefined;
  groupId: string;
  namespace: string;
  displayName: string;
  type: Type;
  after: string;
  limit: number;
};

/** A page of scripts by id, each with its head version. */
export const listScripts = (db: Db, filter: ScriptFilter): Promise<(ScriptRow & { head: VersionRow })[]> =>
  db
    .selectFrom('scripts')
    .selectAll('scripts')
    .where('deleteTime', 'is', null)
    .$if(filter.groupIds !== undefined, (rows) => rows.where((row) => row('groupId', '=', row.fn.any(row.val(filter.groupIds ?? [])))))
    .$if(filter.groupId !== '', (rows) => rows.where('groupId', '=', filter.groupId))
    .$if(filter.namespace !== '', (rows) => rows.where('namespace', '=', filter.namespace))
    .$if(filter.displayName !== '', (rows) => rows.where('displayName', '=', filter.displayName))
    .$if(filter.type !== Type.UNSPECIFIED, (rows) => rows.where('type', '=', filter.type))
    .$if(filter.after !== '', (rows) => rows.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute()
    .then((scripts) => withHeads(db, scripts));

const withHeads = async (db: Db, scripts: ScriptRow[]): Promise<(ScriptRow & { head: VersionRow })[]> => {
  if (scripts.length === 0) return [];
  const heads = await db
    .selectFrom('scriptVersions')
    .innerJoin('scripts', (join) =>
      join.onRef('scripts.id', '=', 'scriptVersions.scriptId').onRef('scripts.headVersion', '=', 'scriptVersions.number'),
    )
    .selectAll('scriptVersions')
    .where(
      'scriptId',
      'in',
      scripts.map(({ id }) => id),
    )
    .execute();
  const byScript = new Map(heads.map((head) => [head.scriptId, head]));
  return scripts.flatMap((script) => {
    const head = byScript.get(script.id);
    return head ? [{ ...script, head }] : [];
  });
};

/** Makes a script. */
export const insertScript = (db: Db, script: Insertable<Tables['scripts']>): Promise<ScriptRow> =>
  db.insertInto('scripts').values(script).returningAll().executeTakeFirstOrThrow();

/** Changes a script. */
export const saveScript = (
  db: Db,
  before: ScriptRow,
  changes: Pick<Updateable<Tables['scripts']>, 'displayName' | 'description' | 'namespace' | 'headVersion' | 'releasedVersion'>,
  now: Date,
): Promise<ScriptRow> =>
  db
    .updateTable('scripts')
    .set({ ...changes, version: before.version + 1, updateTime: now })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();

/** What a draft holds. */
export type VersionContent = Pick<VersionRow, 'content' | 'contentHash' | 'readKind' | 'properties' | 'parameters'>;

const toColumns = ({ properties, parameters, ...plain }: VersionContent) => ({
  ...plain,
  properties: JSON.stringify(properties),
  parameters: JSON.stringify(parameters),
});

/** Makes a version as a draft. */
export const insertDraft = (db: Db, scriptId: string, number: number, content: VersionContent): Promise<VersionRow> =>
  db
    .insertInto('scriptVersions')
    .values({ scriptId, number, state: State.DRAFT, ...toColumns(content) })
    .returningAll()
    .executeTakeFirstOrThrow();

/** Replaces what a draft holds. */
export const updateDraft = (db: Db, scriptId: string, number: number, content: VersionContent): Promise<VersionRow> =>
  db
    .updateTable('scriptVersions')
    .set(toColumns(content))
    .where('scriptId', '=', scriptId)
    .where('number', '=', number)
    .returningAll()
    .executeTakeFirstOrThrow();

/** Freezes a draft. */
export const markReleased = (db: Db, { scriptId, number }: VersionRow, now: Date): Promise<VersionRow> =>
  db
    .updateTable('scriptVersions')
    .set({ state: State.RELEASED, releaseTime: now })
    .where('scriptId', '=', scriptId)
    .where('number', '=', number)
    .returningAll()
    .executeTakeFirstOrThrow();
