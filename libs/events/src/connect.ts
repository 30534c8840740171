// The connection to NATS. It comes and goes; nothing is lost while it is away, since Postgres keeps every event.
import { jetstream, jetstreamManager, RetentionPolicy, StorageType, type JetStreamClient } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import { setTimeout as sleep } from 'node:timers/promises';

/** The one stream of all events. */
export const STREAM = 'LETHE';

const MAX_AGE_NS = 24 * 3600 * 1_000_000_000;
const DEDUPE_WINDOW_NS = 120 * 1_000_000_000;
const RECONNECT_WAIT_MS = 500;

/** A connection with JetStream. */
export type Bus = { nats: NatsConnection; jetstream: JetStreamClient };

/** The largest event that a service may send, as the server must take it. */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024;

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
    // Of its own: what is for one service's requests cannot be heard by another.
    inboxPrefix: `_INBOX_${name}`,
    // Other credentials for a while are no reason to give up: the connection comes back when they are right again.
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
  });
  return { nats, jetstream: jetstream(nats) };
};

/** A connection that is made again when it was closed. */
export type BusSource = {
  /** The present connection, or the next one. */
  get: () => Promise<Bus>;
  close: () => void;
};

/** Opens a connection to NATS and keeps it open until `close`. */
export const openBus = (url: string, name: string, log: Logger): BusSource => {
  let closing = false;
  const connectUntilThere = async (): Promise<Bus> => {
    for (;;) {
      try {
        const bus = await connectBus(url, name);
        if (closing) void bus.nats.close();
        else void bus.nats.closed().then(reopen);
        const limit = bus.nats.info?.max_payload ?? MAX_EVENT_BYTES;
        if (limit < MAX_EVENT_BYTES)
          log.warn({ worker: 'bus', limit }, 'the message bus takes smaller messages than events may be: set its max_payload to 8 MiB');
        return bus;
      } catch (error) {
        if (closing) throw error;
        log.warn({ worker: 'bus', error: error instanceof Error ? error.name : '' }, 'the message bus refused the connection; tried again');
        await sleep(RECONNECT_WAIT_MS);
      }
    }
  };
  let current = connectUntilThere();
  const reopen = (): void => {
    if (!closing) current = connectUntilThere();
  };
  // Whoever waits for it hears of the end by a signal of its own.
  current.catch(() => {});
  return {
    get: () => current,
    close: () => {
      closing = true;
      // The connection is closed at once: waiting for a server that is away would hold the shutdown up.
      void current.then(({ nats }) => nats.close()).catch(() => {});
    },
  };
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
