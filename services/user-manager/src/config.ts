import type { Env } from '@lethe/service/env';

/** An OIDC provider whose tokens are accepted. */
export type Issuer = { issuer: string; audience: string };

/** UserManager's settings. */
export type Config = {
  readonly issuers: readonly Issuer[];
  /** `<issuer>|<subject>` of the first superusers. */
  readonly superusers: ReadonlySet<string>;
  readonly openGroupCreation: boolean;
};

const readIssuer = (text: string): Issuer => {
  const [issuer, audience] = text.split('=');
  if (!issuer || !audience) throw new Error('LETHE_OIDC_ISSUERS must be <issuer>=<audience>[,…]');
  return { issuer, audience };
};

/** Reads the settings. */
export const readConfig = (env: Env): Config =>
  Object.freeze({
    issuers: env.list('LETHE_OIDC_ISSUERS').map(readIssuer),
    superusers: new Set(env.list('LETHE_SUPERUSERS')),
    openGroupCreation: env.flag('LETHE_OPEN_GROUP_CREATION'),
  });
