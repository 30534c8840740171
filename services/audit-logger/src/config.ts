import type { Env } from '@lethe/service/env';

/** AuditLogger's settings: none of its own. */
export type Config = Readonly<Record<never, never>>;

/** Reads the settings. */
export const readConfig = (_env: Env): Config => Object.freeze({});
