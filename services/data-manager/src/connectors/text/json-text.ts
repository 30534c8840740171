// JSON as text: where the values of a row stand, so that numbers keep every digit and nested values every byte.
import { TEXT_LIMITS } from './limits.ts';

/** A text is not JSON. */
export class JsonProblem extends Error {
  constructor() {
    super('not JSON');
    this.name = 'JsonProblem';
  }
}

/** Where a value stands in a text. */
export type Span = { start: number; end: number };

type OnMember = (key: string, value: Span) => void;

const QUOTE = 34;
const BACKSLASH = 92;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const HEX = /[0-9a-fA-F]{4}/y;
const LITERALS = ['true', 'false', 'null'];

const skipBlanks = (text: string, from: number): number => {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at;
    at += 1;
  }
};

const matchAt = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at;
  if (!pattern.test(text)) throw new JsonProblem();
  return pattern.lastIndex;
};

const skipString = (text: string, from: number): number => {
  for (let at = from + 1; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) {
      at += 1;
      const escaped = text.charAt(at);
      if (escaped === 'u') at = matchAt(HEX, text, at + 1) - 1;
      else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) throw new JsonProblem();
    } else if (!(code >= 32)) throw new JsonProblem();
  }
};

/** The text of a string that stands at a place. */
const stringAt = (text: string, { start, end }: Span): string => {
  const inner = text.slice(start + 1, end - 1);
  return inner.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : inner;
};

const skipItems = (text: string, from: number, depth: number, onItem?: (value: Span) => void): number => {
  let at = skipBlanks(text, from + 1);
  if (text[at] === ']') return at + 1;
  for (;;) {
    const end = skipValue(text, at, depth + 1);
    onItem?.({ start: at, end });
    at = skipBlanks(text, end);
    if (text[at] === ']') return at + 1;
    if (text[at] !== ',') throw new JsonProblem();
    at = skipBlanks(text, at + 1);
  }
};

const skipMembers = (text: string, from: number, depth: number, onMember?: OnMember): number => {
  let at = skipBlanks(text, from + 1);
  if (text[at] === '}') return at + 1;
  for (;;) {
    if (text.charCodeAt(at) !== QUOTE) throw new JsonProblem();
    const key = { start: at, end: skipString(text, at) };
    at = skipBlanks(text, key.end);
    if (text[at] !== ':') throw new JsonProblem();
    const start = skipBlanks(text, at + 1);
    const end = skipValue(text, start, depth + 1);
    onMember?.(stringAt(text, key), { start, end });
    at = skipBlanks(text, end);
    if (text[at] === '}') return at + 1;
    if (text[at] !== ',') throw new JsonProblem();
    at = skipBlanks(text, at + 1);
  }
};

const skipValue = (text: string, at: number, depth: number): number => {
  if (depth > TEXT_LIMITS.depth) throw new JsonProblem();
  switch (text[at]) {
    case '"':
      return skipString(text, at);
    case '{':
      return skipMembers(text, at, depth);
    case '[':
      return skipItems(text, at, depth);
    default: {
      const literal = LITERALS.find((word) => text.startsWith(word, at));
      return literal === undefined ? matchAt(NUMBER, text, at) : at + literal.length;
    }
  }
};

/** A row: the places of its members. A member that stands twice is in `twice`. */
export type JsonRow = { text: string; members: Map<string, Span>; twice: Set<string>; isArray: boolean };

/** Reads a row; undefined for a value that is neither object nor array. Throws JsonProblem where the text is not JSON. */
export const readRow = (text: string): JsonRow | undefined => {
  const start = skipBlanks(text, 0);
  const row: JsonRow = { text, members: new Map(), twice: new Set(), isArray: text[start] === '[' };
  const add: OnMember = (key, value) => {
    if (row.members.has(key)) row.twice.add(key);
    row.members.set(key, value);
  };
  const isRow = text[start] === '{' || row.isArray;
  let end: number;
  if (text[start] === '{') end = skipMembers(text, start, 0, add);
  else if (row.isArray) end = skipItems(text, start, 0, (value) => add(String(row.members.size), value));
  else end = skipValue(text, start, 0);
  if (skipBlanks(text, end) !== text.length) throw new JsonProblem();
  return isRow ? row : undefined;
};

/** The parts of a JSON pointer (RFC 6901). */
export const pointerParts = (pointer: string): string[] =>
  pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

/** The types of JSON values. */
export type JsonType = 'string' | 'number' | 'boolean' | 'object' | 'array' | 'null';

/** What a pointer finds in a row: a value as a cell's text, and its type. */
export type Found = { kind: 'value'; value: string | null; type: JsonType } | { kind: 'missing' } | { kind: 'twice' };

const TYPES: Record<string, JsonType> = { '"': 'string', n: 'null', t: 'boolean', f: 'boolean', '{': 'object', '[': 'array' };

const valueAt = (text: string, span: Span): Found => {
  const type = TYPES[text.charAt(span.start)] ?? 'number';
  if (type === 'null') return NULL_FOUND;
  return { kind: 'value', type, value: type === 'string' ? stringAt(text, span) : text.slice(span.start, span.end) };
};

const NULL_FOUND: Found = { kind: 'value', value: null, type: 'null' };

/** The value at a pointer, as a cell's text: numbers, objects and arrays as they are written. Below a null there are only nulls. */
export const findInRow = (row: JsonRow, parts: readonly string[]): Found => {
  let within = row;
  let span: Span = { start: skipBlanks(row.text, 0), end: row.text.trimEnd().length };
  for (const [depth, part] of parts.entries()) {
    if (within.twice.has(part)) return { kind: 'twice' };
    const found = within.members.get(part);
    if (!found) return { kind: 'missing' };
    span = { start: found.start, end: found.end };
    if (depth === parts.length - 1) break;
    const text = within.text.slice(found.start, found.end);
    if (text === 'null') return NULL_FOUND;
    const next = readRow(text);
    if (!next) return { kind: 'missing' };
    within = next;
  }
  return valueAt(within.text, span);
};
