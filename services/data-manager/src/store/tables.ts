import type { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { Desire, RunState, UploadOutcome } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { OptionalTime, PlatformTables, Time } from '@lethe/db/platform';
import type { ColumnType, Generated, Selectable } from 'kysely';

type Json<T> = ColumnType<T, string, string>;

/** A file of an entry's rows, relative to the entry's folder. */
export type StoredSegment = { path: string; rowCount: number; sizeBytes: number; sha256: string };

/** The tables of schema lethe_data. */
export type Tables = PlatformTables & {
  missingLeaves: {
    id: Generated<bigint>;
    runId: string;
    tableName: string;
    columnName: string;
    value: string;
    rowCount: bigint;
    createTime: Time;
  };
  executions: {
    runId: string;
    taskId: string;
    groupId: string;
    moduleId: string;
    /** An ExecutionSpec without its ticket. */
    spec: Buffer;
    ticket: string;
    /** The user who started the run: what is done for it is recorded in that name. */
    startedBy: string;
    state: RunState;
    desire: Desire;
    desireRevision: bigint;
    /** The last command that the state has taken in. */
    reachedRevision: bigint;
    revision: bigint;
    resumeState: RunState;
    waitingFor: string;
    refusal: string;
    error: string;
    /** A RunErrorInfo: what `error`, `refusal` or `waitingFor` says; null where all are empty. */
    errorInfo: Buffer | null;
    attempt: number;
    nextAttemptTime: OptionalTime;
    /** TableReports as JSON of their proto form. */
    report: Buffer | null;
    progress: Buffer | null;
    leaseOwner: string | null;
    leaseUntil: OptionalTime;
    epoch: bigint;
    /** How often a worker lost the execution in its present state. */
    lostLeaseCount: Generated<number>;
    /** How many workers in a row did not survive its present state: lost leases whose workers never said that they live. */
    workerDeathCount: Generated<number>;
    seedKeyId: string;
    seedWrapped: Buffer;
    deleteEntries: boolean;
    uploadGeneration: number;
    /** A target may have taken the upload in: from here on nothing of it is given up. */
    publishing: Generated<boolean>;
    /** What a person decided of an upload that cannot be told. */
    uploadOutcome: ColumnType<UploadOutcome, UploadOutcome | undefined>;
    publishedVersion: string;
    prepareTime: OptionalTime;
    expireTime: OptionalTime;
    createTime: Time;
    updateTime: Time;
    endTime: OptionalTime;
  };
  entries: {
    id: string;
    runId: string;
    table: string;
    groupId: string;
    moduleId: string;
    taskId: string;
    moduleName: Generated<string>;
    taskName: Generated<string>;
    state: Entry_State;
    version: Generated<number>;
    /** A list of module Columns, as one lethe.module.v1.Table. */
    columns: Buffer;
    segments: Json<StoredSegment[]>;
    rowCount: bigint;
    editedRowCount: bigint;
    sizeBytes: bigint;
    contentHash: string;
    schemaHash: string;
    /** A PrivacyResult. */
    privacy: Buffer;
    nextRowId: bigint;
    expireTime: Time;
    createTime: Time;
    updateTime: Time;
  };
  /** The overlay of Modifie: the row as it is now, or null where it is deleted. */
  edits: { entryId: string; rowId: bigint; cells: Json<(string | null)[]> | null };
  moduleKeys: { moduleId: string; keyId: string; wrapped: Buffer; createTime: ColumnType<Date, never, never> };
};

export type ExecutionRow = Selectable<Tables['executions']>;
/** An execution as it was claimed. `wasLost`: the worker before never gave it back. */
export type ClaimedExecution = ExecutionRow & { wasLost: boolean };
export type EntryRow = Selectable<Tables['entries']>;
