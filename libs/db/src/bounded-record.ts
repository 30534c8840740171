// Audit records of a bounded size: what is large stands in them by digest, so that no document, however large, stops the queue that records it.
import type { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { createHash } from 'node:crypto';

type View = AuditRecord['request'];
type Json = unknown;

/** A value above this stands in the record by its digest. */
export const MAX_VALUE_BYTES = 16 * 1024;

/** A request, before or after above this, with its digests, stands in the record by one digest. */
export const MAX_VIEW_BYTES = 64 * 1024;

const MAX_POINTERS = 100;
// How deep single fields are looked at before a whole is taken by digest: `{ dataModule: { document: … } }`.
const DEPTH = 3;

const textOf = (value: Json): string => JSON.stringify(value) ?? 'null';

const isObject = (value: Json): value is Record<string, Json> => typeof value === 'object' && value !== null && !Array.isArray(value);

const digestOf = (text: string): { sha256: string; sizeBytes: number } => ({
  sha256: createHash('sha256').update(text).digest('hex'),
  sizeBytes: Buffer.byteLength(text),
});

// U+0000 and lone surrogates: Postgres and protobuf have no place for them, and a record that cannot be stored is a record that is lost.
const storable = (text: string): string => text.replaceAll('\u0000', '\u{fffd}').toWellFormed();

const clean = (value: Json): Json => {
  if (typeof value === 'string') return storable(value);
  if (Array.isArray(value)) return value.map(clean);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storable(key), clean(item)]));
};

const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** JSON pointers (RFC 6901) to what differs between two values, at most `limit` of them. */
const differences = (left: Json, right: Json, limit: number, path = ''): string[] => {
  if (textOf(left) === textOf(right)) return [];
  const bothObjects = isObject(left) && isObject(right);
  if (!bothObjects && !(Array.isArray(left) && Array.isArray(right))) return [path];
  const [before, after] = [new Map<string, Json>(Object.entries(left as object)), new Map<string, Json>(Object.entries(right as object))];
  const keys = new Set([...before.keys(), ...after.keys()]);
  const found: string[] = [];
  for (const key of keys) {
    if (found.length >= limit) break;
    found.push(...differences(before.get(key), after.get(key), limit - found.length, `${path}/${escapePointer(key)}`));
  }
  return found;
};

const shrink = (value: Json, before: Json, depth: number): Json => {
  const text = textOf(value);
  if (Buffer.byteLength(text) <= MAX_VALUE_BYTES) return value;
  if (isObject(value) && depth < DEPTH) {
    const earlier = isObject(before) ? before : {};
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shrink(item, earlier[key], depth + 1)]));
  }
  const changed = before === undefined ? undefined : differences(before, value, MAX_POINTERS);
  return { ...digestOf(text), ...(changed === undefined ? {} : { changed }) };
};

const boundView = (view: View, before?: View): View => {
  if (view === undefined) return undefined;
  const cleaned = clean(view) as Record<string, Json>;
  const small = shrink(cleaned, before === undefined ? undefined : clean(before), 0) as Record<string, Json>;
  return Buffer.byteLength(textOf(small)) <= MAX_VIEW_BYTES ? small : digestOf(textOf(cleaned));
};

/** The record as it is stored: large values by SHA-256 and size, a large value after a change also with pointers to what changed. */
export const boundRecord = (record: AuditRecord): AuditRecord => ({
  ...record,
  resource: storable(record.resource).slice(0, 512),
  reason: storable(record.reason).slice(0, 512),
  requestId: storable(record.requestId).slice(0, 128),
  request: boundView(record.request),
  before: boundView(record.before),
  after: boundView(record.after, record.before),
});
