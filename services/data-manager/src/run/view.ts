// An execution as others see it.
import { Execution, Progress, RunErrorInfo } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { ExecutionChanged } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { event, type OutgoingEvent } from '@lethe/db/event';
import type { AuditView } from '@lethe/db/mutate';
import { auditView } from '@lethe/db/mutate';
import type { ExecutionRow } from '../store/tables.ts';

/** What the stages report. Kept as fields of one message. */
type Reports = Pick<Execution, 'tables' | 'stages'>;
const empty = (): Execution => Execution.decode(Buffer.alloc(0));

/** Reports as the bytes that are kept. */
export const encodeReports = ({ tables, stages }: Reports): Buffer =>
  Buffer.from(Execution.encode({ ...empty(), tables, stages }).finish());

/** Kept reports. */
export const decodeReports = (bytes: Buffer | null): Reports => (bytes ? Execution.decode(bytes) : empty());

/** How an execution stands. */
export const executionView = (row: ExecutionRow, entryCount: number): Execution => ({
  runId: row.runId,
  state: row.state,
  desire: row.desire,
  revision: row.revision,
  // EtlTaskManager compares it with the revision it asked for: what counts is which desire the state has come to, not which one has arrived.
  desireRevision: row.reachedRevision,
  waitingFor: row.waitingFor,
  refusal: row.refusal,
  error: row.error,
  errorInfo: row.errorInfo ? RunErrorInfo.decode(row.errorInfo) : undefined,
  attempt: row.attempt,
  nextAttemptTime: row.nextAttemptTime ?? undefined,
  tables: decodeReports(row.report).tables,
  stages: decodeReports(row.report).stages,
  progress: row.progress ? Progress.decode(row.progress) : undefined,
  publishedVersion: row.publishedVersion,
  resumeState: row.resumeState,
  prepareTime: row.prepareTime ?? undefined,
  expireTime: row.expireTime ?? undefined,
  endTime: row.endTime ?? undefined,
  entryCount,
});

/** The event by which EtlTaskManager hears of a change. */
export const executionChanged = (row: ExecutionRow, entryCount: number, now: Date): OutgoingEvent =>
  event('task', ExecutionChanged, { execution: executionView(row, entryCount), time: now });

/** An execution in the audit record: states and counts. */
export const auditExecution = (row: ExecutionRow): AuditView => auditView(Execution, { ...executionView(row, 0), progress: undefined });
