// Which notifications a run leads to, and whom they are for.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Duty } from '@lethe/contracts/gen/lethe/user/v1/user';
import { event, type OutgoingEvent } from '@lethe/db/event';
import type { RunRow } from '../store/tables.ts';

/** The kind of a notification, its text, and the duties whose holders get it beside the user who started the run. */
type RunNotice = Pick<NotificationRequested, 'notice' | 'text' | 'holdersOf'>;

const BY_STATE: Partial<Record<RunState, RunNotice>> = {
  [RunState.PREPARED]: {
    notice: Notification_Kind.RUN_PREPARED,
    text: 'A run is prepared and waits for review',
    holdersOf: [Duty.DATA_MANAGER],
  },
  [RunState.UPLOADED]: { notice: Notification_Kind.RUN_FINISHED, text: 'A run uploaded its result', holdersOf: [Duty.TASK_MANAGER] },
  [RunState.FAILED]: { notice: Notification_Kind.RUN_FAILED, text: 'A run failed', holdersOf: [Duty.TASK_MANAGER] },
  [RunState.STOPPED]: { notice: Notification_Kind.RUN_FAILED, text: 'A run was stopped', holdersOf: [Duty.TASK_MANAGER] },
};

const EXPIRES_SOON: RunNotice = {
  notice: Notification_Kind.RUN_EXPIRES_SOON,
  text: 'The prepared data of a run will be deleted soon',
  holdersOf: [Duty.TASK_MANAGER],
};

const requestOf = (run: RunRow, notice: RunNotice): OutgoingEvent =>
  event('user', NotificationRequested, {
    ...notice,
    kind: '',
    duties: [],
    resource: `runs/${run.id}`,
    groupId: run.groupId,
    userIds: [run.startedBy],
  });

/** The events that notify people of a run's change to a state; none where it is in that state already. */
export const stateNotices = (run: RunRow, state: RunState): OutgoingEvent[] => {
  const notice = state === run.state ? undefined : BY_STATE[state];
  return notice ? [requestOf(run, notice)] : [];
};

/** The event that notifies people of the coming deletion of a run's prepared data. */
export const expiryNotice = (run: RunRow): OutgoingEvent => requestOf(run, EXPIRES_SOON);
