// What every connector offers: describing a store, reading tables into segments, and, where it can, taking results in.
import type { DescribedTable } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { ProtocolEntry } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { RunError, RunPlace } from '../domain/run-error.ts';
import type { PrivateTargets } from './address.ts';

/** A connection with its secrets; it never leaves the process. */
export type ResolvedConnection = {
  id: string;
  /** The group that it belongs to. */
  groupId: string;
  /** Its display name. */
  name: string;
  type: string;
  settings: Record<string, unknown>;
  secret: Record<string, string>;
};

/** A connection as the place of a failure. */
export const placeOf = ({ id, name }: ResolvedConnection): RunPlace => ({ connectionId: id, connectionName: name });

/** What connectors may reach. */
export type ConnectorLimits = {
  /** Which loopback and private addresses are targets; none unless set. */
  privateTargets: PrivateTargets;
  /** The folder that file connections live in. */
  fileRoot: string;
  /** How long one source may take. */
  sourceTimeoutMs: number;
};

/** What a store says of itself. */
export type Description = { serverVersion: string; tables: DescribedTable[]; truncated: boolean };

/** A read without code. */
export type DirectRead = Extract<NonNullable<ProtocolEntry['collect']>, { $case: 'tableRead' | 'fileRead' | 'httpRead' }>;

/** Where a read's rows go: csv segments below `directory`, the module's `columns` in order, all as text. */
export type Extraction = {
  read: DirectRead;
  table: string;
  columns: string[];
  /** Absolute; segments are `<prefix><n>.csv` in it. */
  directory: string;
  prefix: string;
  /** What all sources of the connection are read from, where they are several and the store has such a thing. */
  snapshot?: string | undefined;
  signal: AbortSignal;
  onRows: (rowCount: number, sizeBytes: number) => void;
  /** Hears of bytes that were received and do not stay in the directory. */
  onReceived?: (sizeBytes: number) => void;
};

/**
 * A segment as it was written: a header-less csv file of a table's columns in document order, all text (see `engine/csv-dialect.ts`). `path` is the
 * file's name in the directory.
 */
export type WrittenSegment = { segment: number; path: string; rowCount: number; sizeBytes: number };

/** What a run wants to read over a connection: a declared read, or a query. */
export type ReadUse = { table: string; columns: string[] } & (
  { kind: 'direct'; read: DirectRead } | { kind: 'query'; content: string; parameters: Record<string, string> }
);

/** What a run wants to upload over a connection. */
export type WriteUse = Pick<UploadTable, 'table' | 'schema' | 'target' | 'replace'> & { natives: { column: string; type: string }[] };

/** What a connection is looked at for. Without reads and writes it is what TestConnection asks: whether it can be read and written at all. */
export type Use = {
  /** Whose uploads may be replaced; `collectedModuleId` is the one whose published version is collected, whose names are judged at the upload alone. */
  moduleId: string;
  collectedModuleId: string;
  reads: ReadUse[];
  writes: WriteUse[];
};

/** What stands in the way of reading and of writing; empty = nothing. */
export type Inspection = { unreadable: RunError[]; unwritable: RunError[] };

/** A state of a store that several reads see. */
export type Snapshot = { id: string; close: () => Promise<void> };

/** The reading side of a connector. */
export type Source = {
  /** Holds the state that the store has now; absent where a store has no such thing. */
  holdSnapshot?: (signal: AbortSignal) => Promise<Snapshot>;
  describe: (signal: AbortSignal) => Promise<Description>;
  extract: (extraction: Extraction) => Promise<WrittenSegment[]>;
};

/** One table of an upload: what it is called where, and the csv files that hold its rows. */
export type UploadTable = {
  table: string;
  /** Schema of a relational target; '' = the connection's default. */
  schema: string;
  /** The name that readers know. */
  target: string;
  /** The name of this version's own table or file; equals `target` in REPLACE mode. */
  versioned: string;
  replace: boolean;
  /** With the document's descriptions. */
  columns: Column[];
  description: string;
  rowCount: number;
  /** The columns of its key; empty = none. */
  primaryKey: string[];
  /** Columns that the rules say are never empty. */
  required: string[];
  /** References to other tables of the result. */
  foreignKeys: { columns: string[]; referencedTable: string; referencedColumns: string[] }[];
};

/** One table in a ledger. The names are absent in entries of the first release. */
export type LedgerTable = { table: string; rowCount: number; contentHash: string; schema?: string; target?: string; versioned?: string };

/** What the target remembers of an upload, in the transaction that published it. */
export type LedgerEntry = {
  uploadId: string;
  epoch: number;
  runId: string;
  moduleId: string;
  version: string;
  tables: LedgerTable[];
};

/** An upload at a target: published, or begun, where readers may see some of its tables and the target can neither undo it nor load it anew. */
export type Found = { is: 'published' | 'begun'; entry: LedgerEntry };

/** An upload as one target knows it. */
export type TargetUpload = {
  uploadId: string;
  /** The same for all uploads of a run over a connection: the next one removes what one that was refused has staged. */
  stagingId: string;
  epoch: number;
  /** The target may have taken the upload in: it is not looked at anew as one that has nothing. */
  isPublishing: boolean;
  /** Throws where a worker of a later epoch has the upload. */
  fence: () => Promise<void>;
};

/** The writing side of a connector. Nothing is visible to readers before `commit`. */
export type Target = {
  /** What the target has of the upload; undefined = nothing that a reader can have seen. */
  probe: (uploadId: string) => Promise<Found | undefined>;
  /** Publishes what is left of an upload that was begun; false where its rows have to be loaded again. Absent where a target publishes at once. */
  finish?: () => Promise<boolean>;
  /** Loads csv files into a hidden place of this upload and epoch. Returns the rows that it holds. */
  stage: (table: UploadTable, csvPaths: string[]) => Promise<number>;
  /** Writes the rows of the hidden place back as csv, to be measured. */
  readBack: (table: UploadTable, csvPath: string) => Promise<number>;
  /** Refuses tables whose names are taken, before anything is published anywhere; `commit` looks again. */
  claim: (owner: { moduleId: string; runId: string }, tables: UploadTable[]) => Promise<void>;
  /** Gives the columns of a hidden place, whose rows have been measured, the types that the source has them in; where a target has such types. */
  convert?: (table: UploadTable) => Promise<void>;
  /** Publishes all tables and the ledger entry at once; an upload that the ledger knows is left as it is. */
  commit: (entry: LedgerEntry, tables: UploadTable[]) => Promise<void>;
  /** The schema that a table goes to; '' where the target has none. */
  schemaOf: (table: UploadTable) => string;
  /** Removes hidden places of this epoch and of earlier ones; those of an upload that was begun stay. */
  cleanUp: () => Promise<void>;
  close: () => Promise<void>;
};

const READS = { tableRead: 'TableRead', fileRead: 'FileRead', httpRead: 'HttpRead' } as const;

/** The name of a read's message, for errors. */
export const kindOfRead = (read: DirectRead): string => READS[read.$case];

/** The source column of a module column. */
export const sourceColumn = (mapping: Record<string, string>, column: string): string =>
  Object.hasOwn(mapping, column) ? (mapping[column] ?? column) : column;
