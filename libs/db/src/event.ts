// Events: what a change tells other services, written in its own transaction.
import { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import type { MessageType } from '@lethe/contracts/message';
import type { Noun } from '@lethe/contracts/nouns';
import type { Transaction } from 'kysely';
import { randomUUIDv7 } from 'node:crypto';
import { boundRecord } from './bounded-record.ts';
import { platformOf, type OutgoingEventInsert, type PlatformTables } from './platform.ts';

/** An event for a consumer: the full name of its message, and its bytes. */
export type OutgoingEvent = { readonly consumer: Noun; readonly type: string; readonly payload: Uint8Array };

/** Makes an event: `event('data', RunCommanded, { … })`. */
export const event = <M>(consumer: Noun, type: MessageType<M>, message: M): OutgoingEvent => ({
  consumer,
  type: type.$type,
  payload: type.encode(message).finish(),
});

/** An audit record as a row of the table of outgoing events; the event's id is the record's. */
export const auditRow = (record: AuditRecord, traceparent: string): OutgoingEventInsert => ({
  ...eventRow(event('audit', AuditRecord, boundRecord(record)), traceparent),
  eventId: record.id,
});

const eventRow = ({ consumer, type, payload }: OutgoingEvent, traceparent: string): OutgoingEventInsert => ({
  eventId: randomUUIDv7(),
  consumer,
  type,
  payload: Buffer.from(payload),
  traceparent,
});

/** What leaves with a change: its audit record, where it has one, and its events. */
export type Emitted = { record?: AuditRecord; events?: readonly OutgoingEvent[]; traceparent: string };

/** Writes events into the transaction of what they tell of. The relay sends them after the commit. */
export const emit = async <T extends PlatformTables>(tx: Transaction<T>, { record, events = [], traceparent }: Emitted): Promise<void> => {
  const rows = [...(record ? [auditRow(record, traceparent)] : []), ...events.map((each) => eventRow(each, traceparent))];
  if (rows.length > 0) await platformOf(tx).insertInto('outgoingEvent').values(rows).execute();
};
