// The servers below the suite: a broker that loses its store, a database that ends its sessions, a command that is there before its run.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { runJob, type JobResult } from '@lethe/local/job';
import { stateName } from '@lethe/contracts/run-state';
import { until } from '@lethe/testkit/until';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, expectAuditOnce, expectSameEnd, inTime, SILENT, startUndisturbed } from '../support/faults.ts';
import type { TestStack } from '../support/stack.ts';

const PORT_BASE = 18_700;

let stack: TestStack;
let undisturbed: JobResult;
beforeAll(async () => {
  ({ stack, undisturbed } = await startUndisturbed(PORT_BASE));
});
afterAll(() => stack.stop());

/** Does something once the live run is in a state. */
const onceIn = async (state: RunState, work: () => Promise<unknown>): Promise<void> => {
  await until(
    async () => ((await ask(stack, `select from lethe_data.executions where state = ${state}`)).length > 0 ? true : undefined),
    100_000,
  );
  await work();
};

const endSessions = (): Promise<unknown> =>
  ask(stack, `select pg_terminate_backend(pid) from pg_stat_activity where usename like 'lethe\\_%' and pid <> pg_backend_pid()`);

const STATES = [
  RunState.EXTRACTING,
  RunState.APPLYING_RULES,
  RunState.TRANSFORMING,
  RunState.ANONYMIZING,
  RunState.STORING,
  RunState.UPLOADING,
];

/** A job whose people repeat a call that the fault hit. */
const runSteadily = async (): Promise<JobResult> => {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await runJob(stack.census.people, stack.census.setup, SILENT);
    } catch (error) {
      const { code } = error as { code?: number };
      // UNAVAILABLE: the caller repeats.
      if (code !== 14 || attempt === 5) throw error;
      await sleep(500);
    }
};

describe('all sessions of the services ended by Postgres', () => {
  test.each(STATES.map((state) => [stateName(state), state] as const))('in %s: the run ends with the same content', async (_, state) => {
    const done = onceIn(state, endSessions);
    const run = await inTime(runSteadily);
    await done;
    await expectSameEnd(stack, undisturbed, run);
  });
});

test('NATS killed with its store wiped, in the middle of a run: the run ends with the same content', async () => {
  const done = onceIn(RunState.EXTRACTING, async () => {
    await stack.stopNats();
    rmSync(join(stack.state, 'data', 'nats'), { recursive: true, force: true });
    await sleep(1_000);
    await stack.restartNats();
  });
  const result = await inTime(() => runJob(stack.census.people, stack.census.setup, SILENT));
  await done;
  await expectSameEnd(stack, undisturbed, result);
});

test('a Stop that arrives before the request of its run stops it', async () => {
  const { manager } = stack.census.people;
  await stack.stopNats();
  const { run } = await manager.task.start({ target: { $case: 'taskId', value: stack.census.setup.taskId } });
  const runId = run?.id ?? '';
  await manager.task.stop({ runId, outbox: OutboxDecision.DELETE });
  // The relay takes the request for sent, and repeats it only after the Stop.
  await until(async () => {
    const held = await ask(
      stack,
      `update lethe_task.outgoing_event set publish_time = now(), publish_count = 1, next_publish_time = now() + interval '4 seconds'
       where consumer = 'data' and type like '%RunRequested' and confirm_time is null and source_seq is not null returning id`,
    );
    return held.length > 0 ? true : undefined;
  });
  await stack.restartNats();
  await expect
    .poll(async () => (await manager.task.getRun({ runId })).run, { timeout: 30_000 })
    .toMatchObject({ state: RunState.STOPPED, reconciling: false });
});

test('every audit record is there once', () => expectAuditOnce(stack));
