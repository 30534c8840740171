// Which notifications follow from what DataManager reports of a run; reports may be skipped.
import { Execution, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Notification_Kind as Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { expect, test } from 'vitest';
import type { RunRow } from '../store/tables.ts';
import { stateNotices } from './run-notice.ts';

type Report = Parameters<typeof Execution.fromPartial>[0];

/** The notifications of a report that comes after another; `state` is that of the run before. */
const noticesOf = (before: Report | undefined, report: Report): Pick<NotificationRequested, 'notice' | 'text' | 'cause'>[] => {
  const known = before && Execution.fromPartial(before);
  const run: Partial<RunRow> = {
    id: 'r',
    taskId: 't',
    taskName: 'census',
    groupId: 'g',
    startedBy: 'u',
    stopReason: 'the wrong month',
    state: known?.state ?? RunState.CREATED,
    execution: known ? Buffer.from(Execution.encode(known).finish()) : null,
  };
  return stateNotices(run as RunRow, Execution.fromPartial(report)).map(({ payload }) => {
    const { notice, text, cause } = NotificationRequested.decode(payload);
    return { notice, text, cause };
  });
};

const REFUSED = { state: RunState.PREPARED, refusal: 'The name is taken.', desireRevision: 3n };

test('a refusal is told once, and again after another confirmation, though the upload between them was not reported', () => {
  const told = [
    { notice: Kind.RUN_REFUSED, text: 'A run of the task census was not uploaded: The name is taken.', cause: 'The name is taken.' },
  ];
  expect(noticesOf({ state: RunState.UPLOADING }, REFUSED)).toEqual(told);
  expect(noticesOf({ state: RunState.PREPARED }, REFUSED)).toEqual(told);
  expect(noticesOf(REFUSED, { ...REFUSED, revision: 9n })).toEqual([]);
  expect(noticesOf(REFUSED, { ...REFUSED, desireRevision: 5n })).toEqual(told);
});

test('each end of a run has a kind of its own, and says why', () => {
  const uploading = { state: RunState.UPLOADING };
  expect(noticesOf(undefined, { state: RunState.PREPARED })).toMatchObject([{ notice: Kind.RUN_PREPARED, cause: '' }]);
  expect(noticesOf(undefined, { state: RunState.FAILED, error: 'It failed.' })).toMatchObject([
    { notice: Kind.RUN_FAILED, cause: 'It failed.' },
  ]);
  expect(noticesOf(uploading, { state: RunState.STOPPED })).toMatchObject([{ notice: Kind.RUN_STOPPED, cause: 'the wrong month' }]);
  expect(noticesOf(uploading, { state: RunState.UPLOADED })).toMatchObject([{ notice: Kind.RUN_FINISHED, cause: '' }]);
});

test('a long cause is cut in the text, and whole beside it', () => {
  const [told] = noticesOf(undefined, { state: RunState.FAILED, error: 'x'.repeat(2000) });
  expect([told?.text.length, told?.text.at(-1), told?.cause.length]).toEqual([512, '…', 2000]);
});
