// JSON values as the text that the rules read: numbers keep every digit that was sent.

type Exact = { readonly digits: string };

const isExact = (value: unknown): value is Exact =>
  typeof value === 'object' && value !== null && 'digits' in value && Object.keys(value).length === 1;

/** Parses JSON and keeps the source text of numbers: 1.10 and 12345678901234567890 stay what they are. */
export const parseExact = (text: string): unknown =>
  JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? { digits: context?.source ?? String(value) } : value,
  );

/** The value at a JSON pointer (RFC 6901); undefined where there is none. */
export const atPointer = (value: unknown, pointer: string): unknown => {
  if (pointer === '') return value;
  let found = value;
  for (const part of pointer.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || isExact(found)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
};

const toJson = (value: unknown): string => {
  if (isExact(value)) return value.digits;
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${toJson(item)}`);
  return `{${members.join(',')}}`;
};

/** A value as a cell's text: null and absent are NULL, objects and arrays are JSON. */
export const toCell = (value: unknown): string | null => {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return isExact(value) ? value.digits : toJson(value);
};

/** The pointer of a column in a row: as mapped, else the member of the column's own name. */
export const pointerOf = (mapping: Record<string, string>, column: string): string => {
  const mapped = mapping[column] ?? column;
  return mapped === '' || mapped.startsWith('/') ? mapped : `/${mapped.replaceAll('~', '~0').replaceAll('/', '~1')}`;
};
