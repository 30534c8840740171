import type { Config } from '../config.ts';
import { seal, unseal } from '@lethe/db/envelope';
import type { ConnectionRow } from '../store/tables.ts';

type SecretColumns = Pick<ConnectionRow, 'secretKeyId' | 'secretWrappedKey' | 'secretCiphertext' | 'secretNumber' | 'secretUpdateTime'>;

/** The context that binds a sealed secret to its row and number. */
const placeOf = (groupId: string, connectionId: string, number: number): string =>
  `${groupId}|connections|${connectionId}|secret|${number}`;

/** The columns for a new secret; undefined or empty values clear it. */
export const sealSecret = (
  config: Config,
  place: { groupId: string; id: string; secretNumber: number },
  values: Record<string, string> | undefined,
  now: Date,
): SecretColumns => {
  const secretNumber = place.secretNumber + 1;
  if (values === undefined || Object.keys(values).length === 0)
    return { secretKeyId: null, secretWrappedKey: null, secretCiphertext: null, secretNumber, secretUpdateTime: now };
  const sealed = seal(config.secretKeys, JSON.stringify(values), placeOf(place.groupId, place.id, secretNumber));
  return {
    secretKeyId: sealed.keyId,
    secretWrappedKey: sealed.wrappedKey,
    secretCiphertext: sealed.ciphertext,
    secretNumber,
    secretUpdateTime: now,
  };
};

/** The secret's values; none where there is no secret. */
export const openSecret = (config: Config, row: ConnectionRow): Record<string, string> => {
  if (row.secretKeyId === null || row.secretWrappedKey === null || row.secretCiphertext === null) return {};
  const sealed = { keyId: row.secretKeyId, wrappedKey: row.secretWrappedKey, ciphertext: row.secretCiphertext };
  return JSON.parse(unseal(config.secretKeys, sealed, placeOf(row.groupId, row.id, row.secretNumber))) as Record<string, string>;
};
