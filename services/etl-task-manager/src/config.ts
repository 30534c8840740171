import type { Env } from '@lethe/service/env';

/** EtlTaskManager's settings. */
export type Config = {
  /** How long a run's ticket is valid; each command brings a new one. */
  readonly ticketLifetimeMs: number;
  /** How long before the end of the retention people are notified. */
  readonly expiryNoticeMs: number;
  /** How long a desire may be without effect before it is sent again. */
  readonly resendAfterMs: number;
};

/** Reads the settings. */
export const readConfig = (env: Env): Config =>
  Object.freeze({
    ticketLifetimeMs: env.integer('LETHE_TICKET_LIFETIME_MS', 24 * 3_600_000),
    expiryNoticeMs: env.integer('LETHE_EXPIRY_NOTICE_MS', 24 * 3_600_000),
    resendAfterMs: env.integer('LETHE_RESEND_AFTER_MS', 30_000),
  });
