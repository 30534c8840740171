// The services' keys: one Ed25519 pair each, and the key that wraps connection secrets.
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Private keys by noun (PKCS #8 PEM), public keys by noun (SPKI PEM). */
export type ServiceKeys = { privateKeys: Record<Noun, string>; publicKeys: Record<Noun, string> };

/** New key pairs for the six services. */
export const newServiceKeys = (): ServiceKeys => {
  const pairs = NOUNS.map((noun) => [noun, generateKeyPairSync('ed25519')] as const);
  const keys = { privateKeys: {}, publicKeys: {} } as ServiceKeys;
  for (const [noun, pair] of pairs) {
    keys.privateKeys[noun] = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
    keys.publicKeys[noun] = pair.publicKey.export({ type: 'spki', format: 'pem' });
  }
  return keys;
};

/** A secret text that is made at first use and stays the same. */
export const keptSecret = (folder: string, name: string, make: () => string = () => randomBytes(32).toString('base64url')): string => {
  const file = join(folder, name);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, make(), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8');
};
