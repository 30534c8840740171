// The connection to NATS. It comes and goes; nothing is lost while it is away, since Postgres keeps every event.
import { jetstream, jetstreamManager, RetentionPolicy, StorageType, type JetStreamClient } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';

/** The one stream of all events. */
export const STREAM = 'LETHE';

const MAX_AGE_NS = 24 * 3600 * 1_000_000_000;
const DEDUPE_WINDOW_NS = 120 * 1_000_000_000;
const RECONNECT_WAIT_MS = 500;

/** A connection with JetStream. */
export type Bus = { nats: NatsConnection; jetstream: JetStreamClient };

/** Waits until the server is there, however long that takes. */
export const connectBus = async (url: string, name: string): Promise<Bus> => {
  const address = new URL(url);
  const nats = await connect({
    servers: address.host,
    ...(address.username ? { user: decodeURIComponent(address.username), pass: decodeURIComponent(address.password) } : {}),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    waitOnFirstConnect: true,
    pingInterval: 10_000,
  });
  return { nats, jetstream: jetstream(nats) };
};

/** Makes the stream where it is not there yet, or not there any more. */
export const ensureStream = async ({ nats }: Bus): Promise<void> => {
  const manager = await jetstreamManager(nats);
  try {
    await manager.streams.info(STREAM);
  } catch {
    await manager.streams.add({
      name: STREAM,
      subjects: ['lethe.*.*.>'],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      max_age: MAX_AGE_NS,
      duplicate_window: DEDUPE_WINDOW_NS,
      deny_delete: true,
      deny_purge: true,
    });
  }
};

/** `lethe.<source>.<consumer>.<event>` */
export const subjectOf = (source: string, consumer: string, type: string): string =>
  `lethe.${source}.${consumer}.${type.slice(type.lastIndexOf('.') + 1)}`;

/** Where a consumer repeats how far it has got: core NATS, not kept. */
export const watermarkSubject = (source: string, consumer: string): string => `lethe-watermark.${source}.${consumer}`;
