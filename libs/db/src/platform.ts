// The tables that every service has: events to send, events received, responses kept for replay, events that could not be taken in.
import { sql, type ColumnType, type Generated, type Insertable, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A time that the database writes and the driver reads as a Date. */
export type Time = ColumnType<Date, Date | undefined, Date>;
/** A time that may be absent. */
export type OptionalTime = ColumnType<Date | null, Date | null | undefined, Date | null>;

/** One event for one consumer. `source_seq` is given by the relay, in the order of `id`, without gaps. */
export type OutgoingEventTable = {
  id: Generated<bigint>;
  eventId: string;
  consumer: string;
  type: string;
  payload: Buffer;
  traceparent: string;
  sourceSeq: ColumnType<bigint | null, never, bigint>;
  createTime: ColumnType<Date, never, never>;
  publishTime: OptionalTime;
  publishCount: Generated<number>;
  /** When it is published again, unless its consumer has confirmed it. */
  nextPublishTime: OptionalTime;
  /** The bus can never take it: kept for a person. */
  setAside: Generated<boolean>;
  confirmTime: OptionalTime;
};

/** The platform's tables, to be joined with the service's own. */
export type PlatformTables = {
  outgoingEvent: OutgoingEventTable;
  outgoingSequence: { consumer: string; lastSeq: bigint };
  inbox: { eventId: string; source: string; sourceSeq: bigint; receiveTime: ColumnType<Date, never, never> };
  watermark: { source: string; sourceSeq: bigint };
  idempotency: {
    principal: string;
    method: string;
    requestId: string;
    bodyHash: Buffer;
    response: Buffer | null;
    createTime: ColumnType<Date, never, never>;
  };
  deadLetter: { id: string; subject: string; reason: string; bytes: Buffer; receiveTime: ColumnType<Date, never, never> };
};

/** A row for the table of outgoing events. */
export type OutgoingEventInsert = Insertable<OutgoingEventTable>;

const createTables = async (db: Kysely<never>): Promise<void> => {
  await sql`
    create table outbox (
      id bigint generated always as identity primary key,
      event_id uuid not null unique,
      consumer text not null,
      type text not null,
      payload bytea not null,
      traceparent text not null,
      source_seq bigint,
      create_time timestamptz not null default now(),
      publish_time timestamptz,
      confirm_time timestamptz,
      unique (consumer, source_seq)
    )`.execute(db);
  await sql`create index outbox_unnumbered on outbox (id) where source_seq is null`.execute(db);
  await sql`create index outbox_unconfirmed on outbox (consumer, source_seq) where confirm_time is null`.execute(db);
  await sql`create index outbox_confirmed on outbox (confirm_time) where confirm_time is not null`.execute(db);
  await sql`create table outbox_sequence (consumer text primary key, last_seq bigint not null)`.execute(db);
  await sql`
    create table inbox (
      event_id uuid primary key,
      source text not null,
      source_seq bigint not null,
      receive_time timestamptz not null default now(),
      unique (source, source_seq)
    )`.execute(db);
  await sql`create table watermark (source text primary key, source_seq bigint not null)`.execute(db);
  await sql`
    create table idempotency (
      principal text not null,
      method text not null,
      request_id uuid not null,
      body_hash bytea not null,
      response bytea,
      create_time timestamptz not null default now(),
      primary key (principal, method, request_id)
    )`.execute(db);
  await sql`create index idempotency_age on idempotency (create_time)`.execute(db);
  await sql`
    create table dead_letter (
      id uuid primary key,
      subject text not null,
      reason text not null,
      bytes bytea not null,
      receive_time timestamptz not null default now()
    )`.execute(db);
};

// "Outbox" is the word for prepared data that waits for review.
const nameOutgoingEvents = async (db: Kysely<never>): Promise<void> => {
  await sql`alter table outbox rename to outgoing_event`.execute(db);
  await sql`alter table outbox_sequence rename to outgoing_sequence`.execute(db);
  for (const name of ['unnumbered', 'unconfirmed', 'confirmed'])
    await sql`alter index ${sql.id(`outbox_${name}`)} rename to ${sql.id(`outgoing_event_${name}`)}`.execute(db);
};

const planRepeats = async (db: Kysely<never>): Promise<void> => {
  await sql`
    alter table outgoing_event add publish_count int not null default 0, add next_publish_time timestamptz, add set_aside bool not null default false`.execute(
    db,
  );
  await sql`update outgoing_event set publish_count = 1, next_publish_time = now() where publish_time is not null`.execute(db);
  await sql`create index outgoing_event_new on outgoing_event (consumer, source_seq) where publish_time is null`.execute(db);
  await sql`create index outgoing_event_repeated on outgoing_event (consumer, next_publish_time) where confirm_time is null`.execute(db);
};

/** The migrations of every service; a service's own have other names. */
export const platformMigrations: Record<string, Migration> = {
  '0000-platform': { up: createTables },
  '0002-outgoing-event': { up: nameOutgoingEvents },
  '0003-planned-repeats': { up: planRepeats },
};

/** The platform's view of a service's database or transaction. T has these tables by its bound; Kysely's types are invariant in their tables, so only a cast says it. */
export const platformOf = <T extends PlatformTables>(db: Kysely<T>): Kysely<PlatformTables> => db as unknown as Kysely<PlatformTables>;
