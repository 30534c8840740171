import type { OptionalTime, PlatformTables, Time } from '@lethe/db/platform';
import type { Generated, Selectable } from 'kysely';

/** The tables of schema lethe_task. Configurations, snapshots and executions are kept as the bytes of their messages. */
export type Tables = PlatformTables & {
  tasks: {
    id: string;
    groupId: string;
    displayName: string;
    description: string;
    namespace: string;
    kind: number;
    moduleId: string;
    headRevision: number;
    releasedRevision: number;
    version: Generated<number>;
    createTime: Time;
    updateTime: Time;
    deleteTime: OptionalTime;
  };
  taskRevisions: {
    taskId: string;
    number: number;
    state: number;
    /** A TaskRevision: what the task's editors chose. */
    configuration: Buffer;
    /** An EffectivePlan; null in a draft. */
    plan: Buffer | null;
    snapshotHash: string;
    moduleDocumentHash: string;
    moduleDocumentRevision: bigint;
    releasedBy: string | null;
    releaseTime: OptionalTime;
  };
  runs: {
    id: string;
    taskId: string;
    groupId: string;
    moduleId: string;
    taskRevision: number;
    state: number;
    desire: number;
    desireRevision: bigint;
    live: boolean;
    /** The last Execution seen. */
    execution: Buffer | null;
    executionRevision: bigint;
    /** An EffectivePlan with the run's parameters filled in. */
    plan: Buffer;
    snapshotHash: string;
    baseVersion: string;
    parameters: Buffer;
    startedBy: string;
    releasedBy: string;
    expiryNoticed: Generated<boolean>;
    createTime: Time;
    updateTime: Time;
    endTime: OptionalTime;
  };
};

export type TaskRow = Selectable<Tables['tasks']>;
export type RevisionRow = Selectable<Tables['taskRevisions']>;
export type RunRow = Selectable<Tables['runs']>;
