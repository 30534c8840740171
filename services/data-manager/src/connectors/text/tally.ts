// Rows that are refused: counted to the end of the input, so that one error says how many there are and where the first is.
import { TextRefusal } from './refusal.ts';

type Count = { count: number; place: string; line: number };

const add = (counts: Map<string, Count>, key: string, place: string, line: number): void => {
  const known = counts.get(key);
  if (known) known.count += 1;
  else counts.set(key, { count: 1, place, line });
};

const rowsOf = (count: number): string => (count === 1 ? '1 row has' : `${count} rows have`);

const NUL = '\0';

/** The rows of one input that are refused. `object` names the input. */
export class Tally {
  readonly #object: string;
  readonly #widths = new Map<string, Count>();
  readonly #characters = new Map<string, Count>();
  readonly #missing = new Map<string, Count>();

  constructor(object: string) {
    this.#object = object;
  }

  /** A record with more or fewer fields than there are columns. */
  width(found: number, wanted: number, line: number): void {
    add(this.#widths, found < wanted ? 'fewer' : 'more', `line ${line}`, line);
  }

  /** Whether a cell is a text that can be kept. */
  takes(cell: string | null, column: string, place: string, line: number): boolean {
    if (cell === null) return true;
    const character = cell.includes(NUL) ? 'a NUL character (U+0000)' : cell.isWellFormed() ? '' : 'half a character (a lone surrogate)';
    if (character === '') return true;
    add(this.#characters, `${column}\n${character}`, place, line);
    return false;
  }

  /** A row without a member that is read. */
  missing(column: string, place: string, line: number): void {
    add(this.#missing, column, place, line);
  }

  /** Throws where rows were refused. */
  assertNone(): void {
    const object = this.#object;
    const [[width, first] = []] = [...this.#widths];
    if (first && width !== undefined) {
      const kinds = [...this.#widths].map(([kind, { count }]) => `${rowsOf(count)} ${kind} fields than the header`);
      const count = [...this.#widths.values()].reduce((total, each) => total + each.count, 0);
      throw new TextRefusal('CSV_ROWS_RAGGED', { object, problems: kinds.join(', '), line: first.line, count });
    }
    for (const [key, { count, place, line }] of this.#characters) {
      const [column = '', character = ''] = key.split('\n');
      throw new TextRefusal('TEXT_CHARACTER_REFUSED', { object, count, column, character, place, line });
    }
    for (const [column, { count, place, line }] of this.#missing)
      throw new TextRefusal('JSON_MEMBER_MISSING', { object, rows: rowsOf(count), count, column, place, line });
  }
}
