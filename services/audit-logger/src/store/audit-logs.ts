import { Actor_Kind, Outcome, type AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import type { Queryable } from '@lethe/db/open';
import { sql, type ExpressionBuilder } from 'kysely';
import type { Visibility } from '../domain/visibility.ts';
import type { AuditLogRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

const uuidOrNull = (text: string): string | null => (text === '' ? null : text);

/** The text that a search matches. Records hold no rows of data. */
const searchText = (record: AuditRecord): string =>
  [
    record.action,
    record.resource,
    record.reason,
    JSON.stringify(record.request ?? {}),
    JSON.stringify(record.before ?? {}),
    JSON.stringify(record.after ?? {}),
  ]
    .join('\n')
    .toLowerCase();

/** Appends a record with the exact bytes that were sent. */
export const insertAuditLog = async (
  db: Db,
  entry: { record: AuditRecord; source: string; sourceSeq: bigint; bytes: Buffer; leafHash: Buffer },
): Promise<void> => {
  const { record, ...rest } = entry;
  await db
    .insertInto('auditLogs')
    .values({
      ...rest,
      id: record.id,
      time: record.time ?? new Date(0),
      actorId: record.actor?.id ?? '',
      // A run's work is visible to the user it was done for. A call that a service made for a user is not: its result may be of another group.
      onBehalfOf: record.actor?.kind === Actor_Kind.SYSTEM ? record.actor.onBehalfOf : '',
      action: record.action,
      resource: record.resource,
      groupId: uuidOrNull(record.groupId),
      runId: uuidOrNull(record.runId),
      outcome: record.outcome,
      searchText: searchText(record),
    })
    .execute();
};

/** The record of that id. */
export const findAuditLog = (db: Db, id: string): Promise<AuditLogRow | undefined> =>
  db.selectFrom('auditLogs').selectAll().where('id', '=', id).executeTakeFirst();

/** Filters of a list; empty ones do not filter. */
export type AuditFilter = {
  visibility: Visibility;
  actorId: string;
  action: string;
  resource: string;
  runId: string;
  groupId: string;
  outcome: Outcome;
  startTime: Date | undefined;
  endTime: Date | undefined;
  query: string;
  after: string;
  limit: number;
};

const escape = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`);

const visible = (row: ExpressionBuilder<Tables, 'auditLogs'>, visibility: Visibility) => {
  if (visibility.all) return sql<boolean>`true`;
  return row.or([
    row('actorId', '=', visibility.userId),
    row('onBehalfOf', '=', visibility.userId),
    row('groupId', '=', row.fn.any(row.val(visibility.groupIds))),
  ]);
};

/** A page of records, newest first. */
export const listAuditLogs = (db: Db, filter: AuditFilter): Promise<AuditLogRow[]> =>
  db
    .selectFrom('auditLogs')
    .selectAll()
    .where((row) => visible(row, filter.visibility))
    .$if(filter.actorId !== '', (rows) => rows.where('actorId', '=', filter.actorId))
    .$if(filter.action !== '', (rows) =>
      rows.where((row) => row.or([row('action', '=', filter.action), row('action', 'like', `%/${escape(filter.action)}`)])),
    )
    .$if(filter.resource !== '', (rows) =>
      rows.where((row) => row.or([row('resource', '=', filter.resource), row('resource', 'like', `${escape(filter.resource)}/%`)])),
    )
    .$if(filter.runId !== '', (rows) => rows.where('runId', '=', filter.runId))
    .$if(filter.groupId !== '', (rows) => rows.where('groupId', '=', filter.groupId))
    .$if(filter.outcome !== Outcome.UNSPECIFIED, (rows) => rows.where('outcome', '=', filter.outcome))
    .$if(filter.startTime !== undefined, (rows) => rows.where('time', '>=', filter.startTime ?? new Date(0)))
    .$if(filter.endTime !== undefined, (rows) => rows.where('time', '<', filter.endTime ?? new Date(0)))
    .$if(filter.query !== '', (rows) => {
      const words = filter.query
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word !== '');
      return words.reduce((matching, word) => matching.where('searchText', 'like', `%${escape(word)}%`), rows);
    })
    .$if(filter.after !== '', (rows) => rows.where('id', '<', filter.after))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();

/** Of each source, the number up to which the log has all its records. */
export const watermarks = async (db: Db): Promise<Record<string, bigint>> => {
  const rows = await db.selectFrom('watermark').selectAll().execute();
  return Object.fromEntries(rows.map(({ source, sourceSeq }) => [source, sourceSeq]));
};
