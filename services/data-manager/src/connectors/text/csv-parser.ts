// Csv text → records, chunk by chunk, in any dialect of CSVW. Exact: a field is what stands in the file, or the record is refused.

/** How a csv text is written. */
export type CsvDialect = {
  delimiter: string;
  /** Undefined: no character quotes. */
  quote: string | undefined;
  doubleQuote: boolean;
  escape: string | undefined;
  /** '' = there are no comments. */
  comment: string;
  /** Lines at the beginning that are no records. */
  skipRows: number;
  skipInitialSpace: boolean;
  trim: 'none' | 'both' | 'start' | 'end';
  ends: { crlf: boolean; lf: boolean; cr: boolean };
};

/** A record: an unquoted empty field is null. `line` is the one in which it begins, from 1. */
export type CsvRecord = { fields: (string | null)[]; line: number };

/** A record that cannot be divided into fields; `column` counts from 0. */
export class CsvProblem extends Error {
  readonly problem: 'quote-open' | 'quote-text' | 'long';
  readonly line: number;
  readonly column: number;

  constructor(problem: CsvProblem['problem'], line: number, column: number) {
    super(problem);
    this.name = 'CsvProblem';
    this.problem = problem;
    this.line = line;
    this.column = column;
  }
}

const LF = 10;
const CR = 13;
const isBlank = (code: number): boolean => code === 32 || code === 9;

/** The state between two characters: which part of a record comes next. */
type State = 'skipped' | 'record' | 'comment' | 'lead' | 'plain' | 'quoted' | 'quote' | 'after' | 'escaped' | 'escapedQuoted';

/** Reads records from chunks of text. */
export class CsvParser {
  /** Why the text cannot be read on. */
  problem: CsvProblem | undefined;
  readonly #dialect: CsvDialect;
  readonly #limit: number;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #escape: number;
  #state: State;
  #skip: number;
  #text = '';
  #rest = '';
  /** The field as far as it lies in earlier text, and where it goes on in this one. */
  #held = '';
  #start = 0;
  #isQuoted = false;
  #fields: (string | null)[] = [];
  #size = 0;
  #line = 1;
  #recordLine = 1;
  #fieldLine = 1;
  #records: CsvRecord[] = [];

  constructor(dialect: CsvDialect, limit: number) {
    this.#dialect = dialect;
    this.#limit = limit;
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#quote = dialect.quote?.charCodeAt(0) ?? -1;
    this.#escape = dialect.escape?.charCodeAt(0) ?? -1;
    this.#skip = dialect.skipRows;
    this.#state = this.#skip > 0 ? 'skipped' : 'record';
  }

  /** The line that the parser has come to. */
  get line(): number {
    return this.#line;
  }

  /** Takes in more text. Where a record cannot be divided, the records before it come back, and `problem` is set. */
  feed(chunk: string, isEnd: boolean): CsvRecord[] {
    this.#records = [];
    try {
      this.#take(chunk, isEnd);
    } catch (error) {
      if (!(error instanceof CsvProblem)) throw error;
      this.problem = error;
    }
    return this.#records;
  }

  #take(chunk: string, isEnd: boolean): void {
    this.#text = this.#rest + chunk;
    this.#rest = '';
    let length = this.#text.length;
    // Whether a CR ends a line alone is known with the next character.
    if (!isEnd && this.#text.charCodeAt(length - 1) === CR) {
      length -= 1;
      this.#rest = '\r';
    }
    this.#start = 0;
    let at = 0;
    while (at < length) {
      if (this.#state === 'record' && !isEnd && this.#dialect.comment.length > length - at) break;
      at = this.#step(at, length);
    }
    if (at < length) this.#rest = this.#text.slice(at, length) + this.#rest;
    else if (this.#isInField()) this.#hold(length);
    if (this.#size + this.#held.length > this.#limit) this.#stop('long', this.#recordLine);
    if (isEnd) this.#finish();
  }

  #isInField(): boolean {
    return this.#state === 'lead' || this.#state === 'plain' || this.#state === 'quoted';
  }

  #hold(until: number): void {
    this.#held += this.#text.slice(this.#start, until);
    this.#start = until;
  }

  #stop(problem: CsvProblem['problem'], line: number): never {
    throw new CsvProblem(problem, line, this.#fields.length);
  }

  /** The length of the line end at a place; 0 where there is none. Counts the lines that a person sees, whatever ends a record. */
  #lineEnd(at: number): number {
    const { ends } = this.#dialect;
    const code = this.#text.charCodeAt(at);
    if (code === LF) {
      this.#line += 1;
      return ends.lf ? 1 : 0;
    }
    if (code !== CR) return 0;
    if (this.#text.charCodeAt(at + 1) !== LF) {
      this.#line += 1;
      return ends.cr ? 1 : 0;
    }
    if (!ends.crlf) return ends.cr ? 1 : 0;
    this.#line += 1;
    return 2;
  }

  #step(at: number, length: number): number {
    switch (this.#state) {
      case 'skipped':
      case 'comment':
        return this.#passLine(at);
      case 'record':
        return this.#beginRecord(at);
      case 'lead':
        return this.#readLead(at);
      case 'plain':
        return this.#readPlain(at, length);
      case 'quoted':
        return this.#readQuoted(at, length);
      case 'quote':
        return this.#readQuote(at);
      case 'after':
        return this.#readAfter(at);
      case 'escaped':
      case 'escapedQuoted':
        return this.#readEscaped(at);
    }
  }

  #passLine(at: number): number {
    const end = this.#lineEnd(at);
    if (end === 0) return at + 1;
    if (this.#state === 'skipped') this.#skip -= 1;
    if (this.#skip === 0) this.#state = 'record';
    return at + end;
  }

  #beginRecord(at: number): number {
    const { comment } = this.#dialect;
    this.#recordLine = this.#line;
    this.#size = 0;
    if (comment !== '' && this.#text.startsWith(comment, at)) {
      this.#state = 'comment';
      return at + comment.length;
    }
    this.#beginField(at);
    return at;
  }

  #beginField(at: number): void {
    this.#state = 'lead';
    this.#fieldLine = this.#line;
    this.#held = '';
    this.#start = at;
    this.#isQuoted = false;
  }

  #readLead(at: number): number {
    const code = this.#text.charCodeAt(at);
    if (code === this.#quote) {
      this.#state = 'quoted';
      this.#isQuoted = true;
      this.#held = '';
      this.#start = at + 1;
      return at + 1;
    }
    if (isBlank(code) && code !== this.#delimiter) return at + 1;
    this.#state = 'plain';
    if (this.#dialect.skipInitialSpace) {
      this.#held = '';
      this.#start = at;
    }
    return at;
  }

  #readPlain(from: number, length: number): number {
    for (let at = from; at < length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === this.#delimiter) return this.#endField(at, at + 1);
      if (code === this.#escape) return this.#beginEscape(at, 'escaped');
      if (code === LF || code === CR) {
        const end = this.#lineEnd(at);
        if (end > 0) return this.#endRecord(at, at + end);
      }
    }
    return length;
  }

  #readQuoted(from: number, length: number): number {
    for (let at = from; at < length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === this.#escape) return this.#beginEscape(at, 'escapedQuoted');
      if (code === this.#quote) {
        this.#hold(at);
        this.#state = 'quote';
        return at + 1;
      }
      if (code === LF || (code === CR && this.#text.charCodeAt(at + 1) !== LF)) this.#line += 1;
    }
    return length;
  }

  #readQuote(at: number): number {
    if (this.#dialect.doubleQuote && this.#text.charCodeAt(at) === this.#quote) {
      this.#state = 'quoted';
      this.#start = at;
      return at + 1;
    }
    this.#state = 'after';
    this.#start = at;
    return at;
  }

  #readAfter(at: number): number {
    const code = this.#text.charCodeAt(at);
    this.#start = at;
    if (code === this.#delimiter) return this.#endField(at, at + 1);
    const end = this.#lineEnd(at);
    if (end > 0) return this.#endRecord(at, at + end);
    if (!isBlank(code)) this.#stop('quote-text', this.#fieldLine);
    return at + 1;
  }

  #beginEscape(at: number, state: 'escaped' | 'escapedQuoted'): number {
    this.#hold(at);
    this.#state = state;
    return at + 1;
  }

  #readEscaped(at: number): number {
    const code = this.#text.charCodeAt(at);
    if (code === LF || (code === CR && this.#text.charCodeAt(at + 1) !== LF)) this.#line += 1;
    this.#state = this.#state === 'escaped' ? 'plain' : 'quoted';
    this.#start = at;
    return at + 1;
  }

  #endField(until: number, next: number): number {
    if (!this.#isQuoted) this.#hold(until);
    const value = this.#trimmed(this.#held);
    this.#size += value.length;
    if (this.#size > this.#limit) this.#stop('long', this.#recordLine);
    this.#fields.push(value === '' && !this.#isQuoted ? null : value);
    this.#beginField(next);
    return next;
  }

  #trimmed(value: string): string {
    const { trim } = this.#dialect;
    if (trim === 'none') return value;
    const rest = trim === 'end' ? value : value.replace(/^[ \t]+/, '');
    return trim === 'start' ? rest : rest.replace(/[ \t]+$/, '');
  }

  #endRecord(until: number, next: number): number {
    this.#endField(until, next);
    this.#records.push({ fields: this.#fields, line: this.#recordLine });
    this.#fields = [];
    this.#state = 'record';
    return next;
  }

  #finish(): void {
    const { length } = this.#text;
    switch (this.#state) {
      case 'skipped':
      case 'comment':
      case 'record':
        return;
      case 'quoted':
      case 'escaped':
      case 'escapedQuoted':
        return this.#stop('quote-open', this.#fieldLine);
      default:
        this.#start = length;
        this.#endRecord(length, length);
    }
  }
}
