// Events that never arrive: what is desired of a run is sent again until its state has taken it in.
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { startHeldSource, type HeldSource } from '@lethe/testkit/held-source';
import { query } from '@lethe/testkit/orders';
import { makePeople, type People } from '@lethe/testkit/people';
import { startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { makeVisits } from '@lethe/testkit/visits';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let people: People;
let source: HeldSource;
let taskId: string;
beforeAll(async () => {
  suite = await startSuite({ settings: { LETHE_RESEND_AFTER_MS: '1000' } });
  people = await makePeople(suite);
  source = await startHeldSource();
  ({ taskId } = await makeVisits(suite, people.editor, people.groupId, source.url));
});
afterAll(async () => {
  source.close();
  await suite.close();
});

/** Does something whose events to DataManager are lost: nobody sends them any more. */
const losingEvents = async <R>(work: () => Promise<R>): Promise<R> => {
  await suite.nats.stop();
  const result = await work();
  await query(
    suite,
    `update lethe_task.outgoing_event set confirm_time = now(), publish_time = now() where consumer = 'data' and confirm_time is null`,
  );
  await suite.nats.start();
  return result;
};

const sent = async (runId: string): Promise<number> =>
  (await query<{ count: number }>(suite, `select resend_count as count from lethe_task.runs where id = '${runId}'`))[0]?.count ?? 0;

test('a run whose request was lost is run', async () => {
  source.release();
  const runId = await losingEvents(() => startRun(people.manager, taskId));
  await waitFor(people.manager, runId, RunState.PREPARED);
  expect(await sent(runId)).toBeGreaterThan(0);
  await people.manager.task.stop({ runId, outbox: OutboxDecision.DELETE });
});

test('a Stop that was lost stops the run, deletes what it was told to, and is sent no more', async () => {
  source.release();
  const runId = await startRun(people.manager, taskId);
  await waitFor(people.manager, runId, RunState.PREPARED);
  expect(await sent(runId)).toBe(0);
  await losingEvents(() => people.manager.task.stop({ runId, outbox: OutboxDecision.DELETE }));
  await waitFor(people.manager, runId, RunState.STOPPED);
  const { entries } = await people.manager.data.getAll({ runId });
  expect(entries.map(({ state }) => state)).toEqual([Entry_State.DELETED]);
  await until(async () => {
    const rows = await query(suite, 'select from lethe_task.runs where resend_time is not null');
    return rows.length === 0 ? true : undefined;
  });
});

test('a Stop whose run was lost with it stops the run, which reads nothing', async () => {
  source.hold();
  const before = source.asked();
  const runId = await losingEvents(async () => {
    const id = await startRun(people.manager, taskId);
    await people.manager.task.stop({ runId: id, outbox: OutboxDecision.KEEP });
    return id;
  });
  const run = await waitFor(people.manager, runId, RunState.STOPPED);
  expect(run.reconciling).toBe(false);
  expect(source.asked() - before).toBeLessThanOrEqual(1);
});
