import type { KeyRing } from '@lethe/db/envelope';
import { NOUNS } from '@lethe/contracts/nouns';
import type { Env } from '@lethe/service/env';
import { readPrivateTargets, type PrivateTargets } from './connectors/address.ts';

/** DataManager's settings. */
export type Config = {
  /** Holds the runs' folders and the Outbox; 0700. */
  readonly dataFolder: string;
  readonly fileRoot: string;
  /** Which loopback and private addresses connections may lead to. */
  readonly privateTargets: PrivateTargets;
  readonly leaseMs: number;
  /** How many runs this worker executes at once. */
  readonly maxRuns: number;
  /** How long prepared data is kept; 1 h to 90 d. */
  readonly retentionMs: number;
  /** How long it is kept beyond that, for a confirmation that was given in time to arrive. */
  readonly expiryGraceMs: number;
  /** How long it is kept at least from where an upload gives it back to a person, who decides anew. */
  readonly decisionMs: number;
  readonly engineMemoryMb: number;
  /** Encrypt what DataManager keeps secret: run seeds and pseudonym keys. */
  readonly wrappingKeys: KeyRing;
  readonly maxAttempts: number;
  /** How long one source may take, and how many bytes it may give. */
  readonly sourceTimeoutMs: number;
  readonly sourceMaxBytes: number;
};

/** A setting that the service cannot start with. */
class SettingInvalid extends Error {
  override name = 'SettingInvalid';
}

const HOUR_MS = 3_600_000;
const LONGEST_GRACE_MS = 600_000;
const DECISION_MS = 24 * HOUR_MS;

const portOf = (address: string): number => Number(/:(\d+)$/.exec(address)?.[1] ?? 0);

/** The ports of the installation itself: the services, NATS, and what the operator adds. A connection never leads there. */
const ownPorts = (env: Env): Set<number> =>
  new Set(
    [
      ...NOUNS.map((noun) => env.text(`LETHE_${noun.toUpperCase()}_ADDRESS`, '')),
      env.text('LETHE_NATS_URL', ''),
      ...env.list('LETHE_OWN_ADDRESSES'),
    ]
      .map(portOf)
      .filter((port) => port > 0),
  );

/** Reads the settings. */
export const readConfig = (env: Env): Config => {
  const retentionMs = env.integer('LETHE_RETENTION_MS', 7 * 24 * HOUR_MS);
  if (!env.flag('LETHE_TEST_RETENTION') && (retentionMs < HOUR_MS || retentionMs > 90 * 24 * HOUR_MS))
    throw new SettingInvalid('LETHE_RETENTION_MS must be between 1 hour and 90 days');
  return Object.freeze({
    dataFolder: env.text('LETHE_DATA_FOLDER'),
    fileRoot: env.text('LETHE_FILE_ROOT'),
    privateTargets: readPrivateTargets(env.list('LETHE_PRIVATE_TARGETS'), ownPorts(env)),
    leaseMs: env.integer('LETHE_LEASE_MS', 30_000),
    maxRuns: env.integer('LETHE_MAX_RUNS', 2),
    retentionMs,
    expiryGraceMs: Math.min(LONGEST_GRACE_MS, retentionMs / 10),
    decisionMs: Math.min(DECISION_MS, retentionMs),
    engineMemoryMb: env.integer('LETHE_ENGINE_MEMORY_MB', 512),
    wrappingKeys: env.keyRing('LETHE_SECRET_KEYS'),
    maxAttempts: env.integer('LETHE_MAX_ATTEMPTS', 50),
    sourceTimeoutMs: env.integer('LETHE_SOURCE_TIMEOUT_MS', 6 * HOUR_MS),
    sourceMaxBytes: env.integer('LETHE_SOURCE_MAX_BYTES', 256 * 1024 ** 3),
  });
};
