// What can be said of a message's bytes without decoding it: how much is in it, and where its top-level fields are.
import type { DescField, DescMessage } from '@bufbuild/protobuf';

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

const fieldsByNumber = new WeakMap<DescMessage, Map<number, DescField>>();

const fieldsOf = (type: DescMessage): Map<number, DescField> => {
  const known = fieldsByNumber.get(type) ?? new Map(type.fields.map((field) => [field.number, field]));
  fieldsByNumber.set(type, known);
  return known;
};

/** Reads on from `at`; past the end where the bytes are no message. */
type Cursor = { at: number };

const readVarint = (bytes: Uint8Array, cursor: Cursor): number => {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) return value;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
};

/** The end of a field's value whose wire type was read; of a group, of which there is none in the contract, its start. */
const endOfValue = (bytes: Uint8Array, wireType: number, cursor: Cursor): number => {
  if (wireType === VARINT) readVarint(bytes, cursor);
  if (wireType === BYTES) {
    const length = readVarint(bytes, cursor);
    return cursor.at + length;
  }
  return cursor.at + (wireType === FIXED_64 ? 8 : wireType === FIXED_32 ? 4 : 0);
};

/** The message that a field's bytes hold; of a map, of its values: an entry's second field. */
const messageOf = (field: DescField): DescMessage | undefined => {
  if (field.fieldKind === 'message') return field.message;
  if (field.fieldKind === 'list' && field.listKind === 'message') return field.message;
  return field.fieldKind === 'map' && field.mapKind === 'message' ? field.message : undefined;
};

type Part = { type: DescMessage; field?: DescField | undefined; end: number };

/** What the contract says of a field in a message, or in an entry of a map. */
const lookUp = ({ type, field }: Part, number: number): { known: boolean; field?: DescField; inner?: DescMessage } => {
  if (field?.fieldKind === 'map') {
    const inner = number === 2 ? messageOf(field) : undefined;
    return { known: number <= 2, ...(inner ? { inner } : {}) };
  }
  const found = fieldsOf(type).get(number);
  const inner = found && messageOf(found);
  return { known: found !== undefined, ...(found ? { field: found } : {}), ...(inner ? { inner } : {}) };
};

// A packed list has its items in one value: as many as a varint has ends.
const packedItems = (bytes: Uint8Array, start: number, end: number): number => {
  let count = 0;
  for (let at = start; at < end; at += 1) if ((bytes[at] ?? 0) < 128) count += 1;
  return count;
};

/**
 * How many messages, entries of maps, list items and unknown fields are in the bytes of a message, at any depth: what decoding it costs. Stops above
 * `limit`. Bytes that are no message are counted as far as they can be read.
 */
export const countItems = (root: DescMessage, bytes: Uint8Array, limit: number): number => {
  const stack: Part[] = [{ type: root, end: bytes.length }];
  const cursor = { at: 0 };
  let count = 0;
  for (let part = stack.at(-1); part && count <= limit && cursor.at < bytes.length; part = stack.at(-1)) {
    if (cursor.at >= part.end) {
      stack.pop();
      continue;
    }
    const tag = readVarint(bytes, cursor);
    const wireType = tag % 8;
    const { known, field, inner } = lookUp(part, Math.floor(tag / 8));
    const end = Math.min(endOfValue(bytes, wireType, cursor), bytes.length);
    const isMap = field?.fieldKind === 'map';
    if (wireType === BYTES && (inner || isMap)) {
      count += 1;
      stack.push({ type: inner ?? part.type, field: isMap ? field : undefined, end });
      continue;
    }
    const isPacked = wireType === BYTES && field?.fieldKind === 'list' && field.listKind !== 'message' && field.packed;
    if (isPacked) count += packedItems(bytes, cursor.at, end);
    else if (!known || field?.fieldKind === 'list') count += 1;
    cursor.at = end;
  }
  return count;
};

/** Where the values of a top-level field are. `start` is that of the tag, `from` that of the value. */
export type Occurrence = { start: number; from: number; end: number };

/** The known top-level fields of a message, each with its occurrences. */
export const topLevelFields = (type: DescMessage, bytes: Uint8Array): Map<DescField, Occurrence[]> => {
  const found = new Map<DescField, Occurrence[]>();
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const start = cursor.at;
    const tag = readVarint(bytes, cursor);
    const field = fieldsOf(type).get(Math.floor(tag / 8));
    const end = Math.min(endOfValue(bytes, tag % 8, cursor), bytes.length);
    if (field) {
      const known = found.get(field);
      if (known) known.push({ start, from: cursor.at, end });
      else found.set(field, [{ start, from: cursor.at, end }]);
    }
    cursor.at = end;
  }
  return found;
};
