// Which notifications a run leads to, and whom they are for.
import { Execution, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Duty } from '@lethe/contracts/gen/lethe/user/v1/user';
import { event, type OutgoingEvent } from '@lethe/db/event';
import type { RunRow } from '../store/tables.ts';

/** The kind of a notification, what it says of a run, and the duties whose holders get it beside the user who started the run. */
type RunNotice = { notice: Notification_Kind; text: string; holdersOf: Duty[] };

/** Why it happened: in words, and for programs. */
type Cause = Pick<NotificationRequested, 'cause' | 'errorInfo'>;

const MAX_TEXT_LENGTH = 512;

/** A new state does not compile until it is decided whether somebody has to know of it. */
const BY_STATE: Record<RunState, RunNotice | undefined> = {
  [RunState.PREPARED]: {
    notice: Notification_Kind.RUN_PREPARED,
    text: 'is prepared and waits for review',
    holdersOf: [Duty.DATA_MANAGER],
  },
  [RunState.UPLOADED]: { notice: Notification_Kind.RUN_FINISHED, text: 'uploaded its result', holdersOf: [Duty.TASK_MANAGER] },
  [RunState.FAILED]: { notice: Notification_Kind.RUN_FAILED, text: 'failed', holdersOf: [Duty.TASK_MANAGER] },
  [RunState.STOPPED]: { notice: Notification_Kind.RUN_STOPPED, text: 'was stopped', holdersOf: [Duty.TASK_MANAGER] },
  [RunState.UPLOAD_UNKNOWN]: {
    notice: Notification_Kind.RUN_UPLOAD_UNKNOWN,
    text: 'waits for somebody to say whether its targets have the rows',
    holdersOf: [Duty.TASK_MANAGER],
  },
  [RunState.UNSPECIFIED]: undefined,
  [RunState.CREATED]: undefined,
  [RunState.QUEUED]: undefined,
  [RunState.EXTRACTING]: undefined,
  [RunState.APPLYING_RULES]: undefined,
  [RunState.TRANSFORMING]: undefined,
  [RunState.ANONYMIZING]: undefined,
  [RunState.STORING]: undefined,
  [RunState.UPLOADING]: undefined,
  [RunState.VERIFYING]: undefined,
  [RunState.PAUSED]: undefined,
  [RunState.EXPIRED]: undefined,
};

const REFUSED: RunNotice = {
  notice: Notification_Kind.RUN_REFUSED,
  text: 'was not uploaded',
  // The run waits for the reviewers again.
  holdersOf: [Duty.TASK_MANAGER, Duty.DATA_MANAGER],
};

const EXPIRES_SOON: RunNotice = {
  notice: Notification_Kind.RUN_EXPIRES_SOON,
  text: 'has prepared data that will be deleted soon',
  holdersOf: [Duty.TASK_MANAGER],
};

const NO_CAUSE: Cause = { cause: '', errorInfo: undefined };

const requestOf = (run: RunRow, { notice, text, holdersOf }: RunNotice, { cause, errorInfo }: Cause): OutgoingEvent => {
  const said = `A run of the task ${run.taskName} ${text}${cause === '' ? '' : `: ${cause}`}`;
  return event('user', NotificationRequested, {
    notice,
    holdersOf,
    text: said.length > MAX_TEXT_LENGTH ? `${said.slice(0, MAX_TEXT_LENGTH - 1)}…` : said,
    cause,
    errorInfo,
    kind: '',
    duties: [],
    resource: `runs/${run.id}`,
    groupId: run.groupId,
    taskId: run.taskId,
    runId: run.id,
    userIds: [run.startedBy],
  });
};

/** Whether the execution came back from an upload that was refused, and nobody was told of that refusal. */
const isNewRefusal = (run: RunRow, { state, refusal, desireRevision }: Execution): boolean => {
  if (state !== RunState.PREPARED || refusal === '') return false;
  const before = run.execution ? Execution.decode(run.execution) : undefined;
  return before?.state !== state || before.refusal !== refusal || before.desireRevision !== desireRevision;
};

/** The events that notify people of what an execution has come to; none where they know. */
export const stateNotices = (run: RunRow, execution: Execution): OutgoingEvent[] => {
  const { state, error, refusal, waitingFor, errorInfo } = execution;
  if (isNewRefusal(run, execution)) return [requestOf(run, REFUSED, { cause: refusal, errorInfo })];
  // PREPARED with a refusal is what the refusal has led to.
  const isKnown = state === run.state || (state === RunState.PREPARED && refusal !== '');
  const notice = isKnown ? undefined : BY_STATE[state];
  if (!notice) return [];
  const failure = state === RunState.UPLOAD_UNKNOWN ? waitingFor : error;
  const cause = state === RunState.STOPPED ? run.stopReason : failure;
  return [requestOf(run, notice, { cause, errorInfo: failure === '' ? undefined : errorInfo })];
};

/** The event that notifies people of the coming deletion of a run's prepared data. */
export const expiryNotice = (run: RunRow): OutgoingEvent => requestOf(run, EXPIRES_SOON, NO_CAUSE);
