// JSON text → rows of the columns that are read: a row a line, or the rows of an array.
import { createHash } from 'node:crypto';
import { JsonCutter, JsonTooLong } from './json-cutter.ts';
import { findInRow, JsonProblem, pointerParts, readRow, type JsonRow } from './json-text.ts';
import { TEXT_LIMITS } from './limits.ts';
import type { RowMaker } from './csv-rows.ts';
import type { TextColumn } from './protocol.ts';
import { TextRefusal } from './refusal.ts';
import type { ScriptRows } from './read-script-rows.ts';
import type { Tally } from './tally.ts';

/** What rows of JSON are read by. `object` names the input. */
export type JsonSource = { object: string; columns: readonly TextColumn[]; needsMembers: boolean; tally: Tally; script?: ScriptRows };

/** The pointer of a column in a row: as mapped, else the member of the column's own name. */
const partsOf = ({ source }: TextColumn): string[] => (isPointer(source) ? pointerParts(source) : [source]);
const isPointer = (source: string): boolean => source === '' || source.startsWith('/');

const tooLong = (object: string, place: string, line: number): TextRefusal =>
  new TextRefusal('TEXT_LINE_TOO_LONG', { object, place, line, limit: TEXT_LIMITS.lineBytes });

/** Makes a row's cells; undefined where it is refused, which the tally counts. */
const cellsOf = ({
  object,
  columns,
  needsMembers,
  tally,
  script,
}: JsonSource): ((text: string, place: string, line: number) => (string | null)[] | undefined) => {
  const parts = columns.map(partsOf);
  const takesArrays = columns.every(({ source }) => isPointer(source));
  const read = (text: string, place: string, line: number): JsonRow | undefined => {
    let row: JsonRow | undefined;
    try {
      row = readRow(text);
    } catch (error) {
      if (error instanceof JsonProblem) throw new TextRefusal('JSON_INVALID', { object, place, line });
      throw error;
    }
    if (script) return script.takes(row) ? row : undefined;
    if (!row || (row.isArray && !takesArrays)) throw new TextRefusal('JSON_ROW_NOT_OBJECT', { object, place, line });
    return row;
  };
  return (text, place, line) => {
    const row = read(text, place, line);
    if (!row) return undefined;
    let isKept = true;
    const cells = columns.map(({ source, name }, index) => {
      const found = findInRow(row, parts[index] ?? []);
      if (found.kind === 'twice') throw new TextRefusal('JSON_MEMBER_TWICE', { object, place, line, column: name });
      if (found.kind === 'missing') {
        if (needsMembers) {
          isKept = false;
          tally.missing(name, place, line);
        }
        return null;
      }
      if (!tally.takes(found.value, source, place, line)) isKept = false;
      return script?.takesType(index, found.type) === false ? null : found.value;
    });
    return isKept ? cells : undefined;
  };
};

/** Makes rows of lines, each a JSON object. Lines end with LF, CR LF or CR, never with another separator of Unicode. */
export const lineRows = (source: JsonSource): RowMaker => {
  const cells = cellsOf(source);
  const { object } = source;
  let held = '';
  let end = '';
  let line = 1;
  const take = (text: string, rows: (string | null)[][]): void => {
    if (text.length > TEXT_LIMITS.lineBytes) throw tooLong(object, `line ${line}`, line);
    const row = /^[ \t]*$/.test(text) ? undefined : cells(text, `line ${line}`, line);
    if (row) rows.push(row);
  };
  return {
    get line() {
      return line;
    },
    feed: (chunk, isEnd) => {
      const rows: (string | null)[][] = [];
      const text = end + chunk;
      // Whether a CR ends a line alone is known with the next character.
      end = !isEnd && text.endsWith('\r') ? '\r' : '';
      const [first = '', ...lines] = text.slice(0, text.length - end.length).split(/\r\n|\n|\r/);
      held += first;
      for (const next of lines) {
        take(held, rows);
        line += 1;
        held = next;
      }
      if (held.length > TEXT_LIMITS.lineBytes) throw tooLong(object, `line ${line}`, line);
      if (isEnd) take(held, rows);
      return rows;
    },
  };
};

/** The rows of an array in a JSON text, and what stands beside them. */
export type ArrayRows = RowMaker & {
  textsAt: (pointers: readonly string[]) => (string | null)[];
  /** Tells pages with the same rows. */
  digest: () => string;
};

/** Whether the text around the rows has null in their place. */
const isNullAt = (frame: string, pointer: string): boolean => {
  let value: unknown = JSON.parse(frame);
  for (const part of pointerParts(pointer)) {
    if (value === null) return true;
    if (typeof value !== 'object' || !Object.hasOwn(value, part)) return false;
    value = (value as Record<string, unknown>)[part];
  }
  return value === null;
};

const textAt = (frame: string, pointer: string): string | null => {
  const row = readRow(frame);
  const found = row && findInRow(row, pointerParts(pointer));
  return found?.kind === 'value' ? found.value : null;
};

/** Makes rows of the array at a pointer. In a page, null in its place is a page without rows. */
export const arrayRows = (source: JsonSource, { pointer, isPage }: { pointer: string; isPage: boolean }): ArrayRows => {
  const { object } = source;
  const cells = cellsOf(source);
  const cutter = new JsonCutter(pointerParts(pointer), TEXT_LIMITS.lineBytes);
  let count = 0;
  let frame = 'null';
  const digest = createHash('sha256');
  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (error instanceof JsonProblem) throw new TextRefusal('JSON_INVALID', { object, place: `line ${cutter.line}`, line: cutter.line });
      throw error instanceof JsonTooLong ? tooLong(object, `row ${count + 1} (line ${error.line})`, error.line) : error;
    }
  };
  const endFrame = (): void => {
    frame = guarded(() => cutter.end());
    if (cutter.found || (isPage && isNullAt(frame, pointer))) return;
    throw new TextRefusal('JSON_ROWS_MISSING', { object, pointer: pointer || '(the whole text)' });
  };
  return {
    get line() {
      return cutter.line;
    },
    feed: (text, isEnd) => {
      const rows: (string | null)[][] = [];
      for (const { text: written, line } of guarded(() => cutter.feed(text))) {
        count += 1;
        digest.update(written).update(',');
        const row = cells(written, isPage ? `row ${count}` : `line ${line}`, line);
        if (row) rows.push(row);
      }
      if (isEnd) endFrame();
      return rows;
    },
    textsAt: (pointers) => pointers.map((found) => textAt(frame, found)),
    digest: () => digest.digest('base64'),
  };
};
