// The messages between a reader and its child process.
import type { WrittenSegment } from '../connector.ts';
import type { CsvDialect } from './csv-parser.ts';
import type { JsonType } from './json-text.ts';
import type { TextFacts, TextReason } from './refusal.ts';

/** A csv file's header: its own rows, or names that the document gives. */
export type CsvHeader = { rowCount: number; names: string[] };

/** How an input is to be read. */
export type TextFormat =
  | { kind: 'csv'; dialect: CsvDialect; header: CsvHeader }
  | { kind: 'lines' }
  /** An array at a pointer; `pagingPointers` lead to texts and numbers beside it. `isPage`: null in its place has no rows. */
  | { kind: 'array'; pointer: string; pagingPointers: string[]; isPage: boolean };

/** A column that is read: its name in the module, and a column or a JSON pointer of the source. */
export type TextColumn = { name: string; source: string };

/** What the rows of a script must be: no members but the columns, each of a type that its column takes. `dropped` is the member of a row that stands for none. */
export type ScriptRules = { types: JsonType[][]; dropped: string };

/** What a script's rows were not. `bad` counts values by column. */
export type ScriptCounts = { strange: number; undeclared: number; dropped: number; bad: number[] };

/** What is read into which files. `object` names the source in sentences: "The file people.csv". */
export type OpenText = {
  verb: 'open';
  table: string;
  directory: string;
  prefix: string;
  columns: TextColumn[];
  /** A row without a member that is read is refused. */
  needsMembers: boolean;
  script?: ScriptRules;
};

/** Reads a file, which has `encoding`; `packed` is how its bytes are compressed. */
export type ReadText = {
  verb: 'read';
  path: string;
  object: string;
  encoding: string;
  packed: 'gzip' | 'deflate' | '';
  format: TextFormat;
};

/** The names in the header of a csv file, of its first bytes. */
export type HeaderText = { verb: 'header'; path: string };

/** Reads a segment of extracted rows, only to find what is wrong with it. */
export type CheckText = { verb: 'check'; path: string; object: string; columns: TextColumn[] };

export type TextVerb = CheckText | OpenText | ReadText | HeaderText | { verb: 'close' };

export type TextRequest = TextVerb & { id: number };

/** `rowCount` and, of a page, `pagingValues` of what was read, `digest` of its bytes; `segments` when it is closed; `names` of a header. */
export type TextResult = {
  rowCount: number;
  pagingValues: (string | null)[];
  digest: string;
  segments: WrittenSegment[];
  names: string[];
  script: ScriptCounts;
};

export type TextResponse =
  | { id: number; result: TextResult }
  | { id: number; refusal: { reason: TextReason; facts: TextFacts } }
  | { id: number; failure: { code: string; frames: string[]; isSource: boolean } }
  | { id: 0; progress: { rowCount: number; sizeBytes: number } };
