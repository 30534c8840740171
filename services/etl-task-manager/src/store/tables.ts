import type { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Task_Kind, TaskRevision_State } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { OptionalTime, PlatformTables, Time } from '@lethe/db/platform';
import type { Generated, Selectable, Transaction } from 'kysely';

/** The tables of schema lethe_task. Configurations, snapshots and executions are kept as the bytes of their messages. */
export type Tables = PlatformTables & {
  tasks: {
    id: string;
    groupId: string;
    displayName: string;
    description: string;
    namespace: string;
    kind: Task_Kind;
    moduleId: string;
    moduleName: Generated<string>;
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
    state: TaskRevision_State;
    /** A TaskRevision: what the task's editors chose. */
    configuration: Buffer;
    /** An EffectivePlan; null in a draft. */
    plan: Buffer | null;
    snapshotHash: string;
    moduleDocumentHash: string;
    moduleDocumentRevision: bigint;
    releasedBy: string | null;
    releasedByName: Generated<string>;
    releaseTime: OptionalTime;
  };
  runs: {
    id: string;
    taskId: string;
    groupId: string;
    moduleId: string;
    taskRevision: number;
    state: RunState;
    desire: Desire;
    desireRevision: bigint;
    live: boolean;
    /** The last Execution that DataManager reported. */
    execution: Buffer | null;
    executionRevision: bigint;
    /** An EffectivePlan with the run's parameters filled in. */
    plan: Buffer;
    snapshotHash: string;
    baseVersion: string;
    /** A JSON object of texts. */
    parameters: Buffer;
    startedBy: string;
    /** Names as they were at Start. */
    startedByName: string;
    taskName: string;
    moduleName: string;
    /** What Stop was called with. */
    stopReason: Generated<string>;
    releasedBy: string;
    /** The last RunCommanded, without its ticket; null where the run was only started. */
    command: Buffer | null;
    /** When what is desired is sent again; null where the state has taken it in. */
    resendTime: OptionalTime;
    resendCount: Generated<number>;
    expiryNoticed: Generated<boolean>;
    createTime: Time;
    updateTime: Time;
    endTime: OptionalTime;
  };
};

export type TaskRow = Selectable<Tables['tasks']>;
export type RevisionRow = Selectable<Tables['taskRevisions']>;
export type RunRow = Selectable<Tables['runs']>;

/** A transaction on these tables. */
export type Tx = Transaction<Tables>;
