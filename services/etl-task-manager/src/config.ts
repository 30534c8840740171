import type { Env } from '@lethe/service/env';

/** EtlTaskManager's settings. */
export type Config = {
  /** How long a run's ticket is valid; each command brings a new one. */
  readonly ticketLifetimeMs: number;
  /** How long before the end of the retention people are notified. */
  readonly expiryNoticeMs: number;
};

/** Reads the settings. */
export const readConfig = (env: Env): Config =>
  Object.freeze({
    ticketLifetimeMs: env.integer('LETHE_TICKET_LIFETIME_MS', 24 * 3_600_000),
    expiryNoticeMs: env.integer('LETHE_EXPIRY_NOTICE_MS', 24 * 3_600_000),
  });
