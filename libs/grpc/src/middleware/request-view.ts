// A request as its audit record shows it. What it costs is bounded: a large part stands in it by digest, and is not decoded for it.
import { fromBinary, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { redactedJson, resourceFields, type MethodInfo } from '@lethe/contracts/registry';
import type { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { topLevelFields, type Occurrence } from '@lethe/contracts/wire';
import { createHash } from 'node:crypto';

type View = { request: AuditRecord['request']; resource: string };

/** A top-level field with more bytes than this stands in the record by its digest. */
export const MAX_FIELD_BYTES = 16 * 1024;

const plural = (kind: string): string => (kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : kind.endsWith('s') ? `${kind}es` : `${kind}s`);

/** The full name of a resource: `tasks/{id}`. */
export const resourceName = (kind: string, id: string): string => (id === '' ? '' : `${plural(kind)}/${id}`);

const resourceOf = (method: MethodInfo, bytes: Uint8Array): string => {
  const message = reflect(method.input, fromBinary(method.input, bytes));
  for (const { field, kind } of resourceFields(method.input))
    if (field.fieldKind === 'scalar' && message.isSet(field)) return resourceName(kind, String(message.get(field)));
  return '';
};

/** Whether something in a field is kept out of records: then its digest is too, by which a short secret could be guessed. */
const holdsSecrets = (field: DescField, seen = new Set<DescMessage>()): boolean => {
  if (field.proto.options?.debugRedact) return true;
  const inner = field.message;
  if (!inner || seen.has(inner)) return false;
  seen.add(inner);
  return inner.fields.some((each) => holdsSecrets(each, seen));
};

const sizeOf = (occurrences: readonly Occurrence[]): number => occurrences.reduce((sum, { from, end }) => sum + end - from, 0);

const digestOf = (field: DescField, bytes: Uint8Array, occurrences: readonly Occurrence[]): object => {
  const sizeBytes = sizeOf(occurrences);
  if (holdsSecrets(field)) return { sizeBytes };
  const [first] = occurrences;
  const last = occurrences.at(-1);
  // From the first value of a list to its last: encoders write them one after the other.
  const whole = bytes.subarray(first?.from ?? 0, last?.end ?? 0);
  return { sha256: createHash('sha256').update(whole).digest('hex'), sizeBytes };
};

/** The request without its large fields, and these by digest. */
const splitLarge = (type: DescMessage, bytes: Uint8Array): { small: Uint8Array; large: Record<string, object> } => {
  const large: Record<string, object> = {};
  const small: Uint8Array[] = [];
  for (const [field, occurrences] of topLevelFields(type, bytes)) {
    const cost = occurrences.reduce((sum, { start, end }) => sum + end - start, 0);
    if (cost <= MAX_FIELD_BYTES) small.push(...occurrences.map(({ start, end }) => bytes.subarray(start, end)));
    else if (!field.proto.options?.debugRedact) large[field.jsonName] = digestOf(field, bytes, occurrences);
  }
  return { small: Buffer.concat(small), large };
};

/** The request without its secrets, and the full name of the resource that it is about; both empty where the bytes cannot be read. */
export const requestView = (method: MethodInfo, bytes: Uint8Array): View => {
  try {
    const { small, large } = bytes.length <= MAX_FIELD_BYTES ? { small: bytes, large: {} } : splitLarge(method.input, bytes);
    return {
      request: { ...(redactedJson(method.input, small) as Record<string, unknown>), ...large },
      resource: resourceOf(method, small),
    };
  } catch {
    // What cannot be read cannot be shown; the outcome says UNREADABLE_REQUEST.
    return { request: undefined, resource: '' };
  }
};
