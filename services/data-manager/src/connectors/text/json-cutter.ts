// A JSON text with an array of rows somewhere in it → the rows as texts, chunk by chunk, and what stands around them.
import { JsonProblem } from './json-text.ts';
import { TEXT_LIMITS } from './limits.ts';

// Blanks of JSON at both ends.
const BLANKS = /^[ \t\r\n]+|[ \t\r\n]+$/g;

/** A row as it is written, and the line in which it begins. */
export type CutRow = { text: string; line: number };

/** A row, or what stands around the rows, is too long. */
export class JsonTooLong extends Error {
  readonly line: number;

  constructor(line: number) {
    super('too long');
    this.name = 'JsonTooLong';
    this.line = line;
  }
}

type Frame = { isObject: boolean; key: string; index: number; awaitsKey: boolean };

/** Cuts the rows out of chunks of text. */
export class JsonCutter {
  readonly #parts: readonly string[];
  readonly #limit: number;
  readonly #frames: Frame[] = [];
  #frame = '';
  #held = '';
  /** The key of a member that is under way: what earlier text had of it, and where it goes on in this one. */
  #key = '';
  #keyFrom = -1;
  #inString = false;
  #isEscaped = false;
  #inRows = false;
  #depth = 0;
  #count = 0;
  #line = 1;
  #rowLine = 1;
  #found = false;
  #rows: CutRow[] = [];

  constructor(parts: readonly string[], limit: number) {
    this.#parts = parts;
    this.#limit = limit;
  }

  /** The line that the cutter has come to. */
  get line(): number {
    return this.#line;
  }

  /** Whether there was an array at the pointer. */
  get found(): boolean {
    return this.#found;
  }

  /** Takes in more text. */
  feed(text: string): CutRow[] {
    this.#rows = [];
    let start = 0;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 10) this.#line += 1;
      if (this.#inString) {
        this.#passString(code);
        continue;
      }
      switch (code) {
        case 34:
          this.#inString = true;
          if (!this.#inRows && this.#frames.at(-1)?.awaitsKey === true) this.#beginKey(at);
          break;
        case 91:
        case 123:
          if (this.#inRows) this.#depth += 1;
          else if (code === 91 && !this.#found && this.#isAtRows()) {
            this.#frame += text.slice(start, at + 1);
            start = at + 1;
            this.#beginRows();
          } else this.#push(code === 123);
          break;
        case 93:
        case 125:
          if (!this.#inRows) this.#frames.pop();
          else if (this.#depth > 0) this.#depth -= 1;
          else {
            if (code === 125) throw new JsonProblem();
            this.#endRow(text.slice(start, at), true);
            start = at;
            this.#inRows = false;
          }
          break;
        case 44:
          if (!this.#inRows) this.#nextMember();
          else if (this.#depth === 0) {
            this.#endRow(text.slice(start, at), false);
            start = at + 1;
          }
          break;
        case 58:
          if (!this.#inRows) this.#endKey(text, at);
          break;
        default:
      }
    }
    this.#keep(text.slice(start));
    if (this.#keyFrom >= 0) {
      this.#key += text.slice(this.#keyFrom);
      this.#keyFrom = 0;
    }
    return this.#rows;
  }

  #passString(code: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (code === 92) this.#isEscaped = true;
    else if (code === 34) this.#inString = false;
  }

  #keep(text: string): void {
    if (this.#inRows) this.#held += text;
    else this.#frame += text;
    if (this.#held.length > this.#limit || this.#frame.length > TEXT_LIMITS.frameBytes) throw new JsonTooLong(this.#line);
  }

  #push(isObject: boolean): void {
    if (this.#frames.length >= TEXT_LIMITS.depth) throw new JsonProblem();
    this.#frames.push({ isObject, key: '', index: 0, awaitsKey: isObject });
  }

  #nextMember(): void {
    const frame = this.#frames.at(-1);
    if (!frame) throw new JsonProblem();
    frame.awaitsKey = frame.isObject;
    frame.index += 1;
  }

  #beginKey(at: number): void {
    this.#key = '';
    this.#keyFrom = at;
  }

  #endKey(text: string, at: number): void {
    const frame = this.#frames.at(-1);
    if (!frame?.awaitsKey || this.#keyFrom < 0) throw new JsonProblem();
    try {
      frame.key = JSON.parse(this.#key + text.slice(this.#keyFrom, at)) as string;
    } catch {
      throw new JsonProblem();
    }
    frame.awaitsKey = false;
    this.#keyFrom = -1;
  }

  #isAtRows(): boolean {
    return (
      this.#frames.length === this.#parts.length &&
      this.#frames.every(({ isObject, key, index }, depth) => (isObject ? key : String(index)) === this.#parts[depth])
    );
  }

  #beginRows(): void {
    this.#found = true;
    this.#inRows = true;
    this.#held = '';
    this.#depth = 0;
    this.#count = 0;
    this.#rowLine = this.#line;
  }

  #endRow(text: string, isLast: boolean): void {
    const written = this.#held + text;
    const row = written.replaceAll(BLANKS, '');
    const lead = written.slice(0, written.indexOf(row));
    const line = this.#rowLine + lead.split('\n').length - 1;
    this.#held = '';
    this.#rowLine = this.#line;
    if (row.length > this.#limit) throw new JsonTooLong(line);
    if (row === '' && isLast && this.#count === 0) return;
    if (row === '') throw new JsonProblem();
    this.#count += 1;
    this.#rows.push({ text: row, line });
  }

  /** What stands around the rows, as it is written without them. Throws JsonProblem where the whole is not JSON. */
  end(): string {
    if (this.#inString || this.#inRows) throw new JsonProblem();
    try {
      JSON.parse(this.#frame);
    } catch {
      throw new JsonProblem();
    }
    return this.#frame;
  }
}
