// A run that no worker survives: it ends, and says where; a run that was beside it goes on.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { startHeldSource, type HeldSource } from '@lethe/testkit/held-source';
import { startRun, waitFor } from '@lethe/testkit/runs';
import { until } from '@lethe/testkit/until';
import { makeVisits } from '@lethe/testkit/visits';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../support/faults.ts';
import { servicePid, startTestStack, type TestStack } from '../support/stack.ts';

const PORT_BASE = 17_800;

let stack: TestStack;
const sources: HeldSource[] = [];
beforeAll(async () => {
  stack = await startTestStack(PORT_BASE, { LETHE_LEASE_MS: '3000' });
});
afterAll(async () => {
  sources.forEach((source) => source.close());
  await stack.stop();
});

const start = async (): Promise<string> => {
  const { people, setup } = stack.census;
  const source = await startHeldSource();
  sources.push(source);
  const { taskId } = await makeVisits({ folder: join(stack.state, 'files') }, people.editor, setup.groupId, source.url);
  return startRun(people.manager, taskId);
};

/** Kills DataManager when so many runs are at work in a process that was not killed yet; returns these runs. */
const killWhen = async (workingCount: number, killed: Set<string>): Promise<string[]> => {
  const runs = await until(async () => {
    const rows = await ask(
      stack,
      `select run_id, lease_owner from lethe_data.executions where state = ${RunState.EXTRACTING} and lease_until > now()`,
    );
    const working = rows.filter(({ lease_owner: owner = '' }) => !killed.has(owner));
    return working.length === workingCount ? working : undefined;
  }, 30_000);
  for (const { lease_owner: owner = '' } of runs) killed.add(owner);
  process.kill(servicePid(stack, 'data'), 'SIGKILL');
  return runs.map(({ run_id: runId = '' }) => runId);
};

test('a run whose worker was killed three times is FAILED with its stage, and the one that was beside it ends well', async () => {
  const both = [await start(), await start()];
  const killed = new Set<string>();
  await killWhen(2, killed);
  await killWhen(2, killed);
  // What two workers did not survive is worked on alone from here on.
  const [deadly = ''] = await killWhen(1, killed);
  const { manager } = stack.census.people;
  const { run } = await until(async () => {
    const found = await manager.task.getRun({ runId: deadly });
    return found.run?.state === RunState.FAILED ? found : undefined;
  }, 30_000);
  expect(run).toMatchObject({ errorInfo: { reason: 'WORKER_DIED', stage: RunState.EXTRACTING, count: 3n } });
  sources.forEach((source) => source.release());
  const beside = both.find((runId) => runId !== deadly) ?? '';
  expect(await waitFor(manager, beside, RunState.PREPARED)).toMatchObject({ tables: [{ storedCount: 40n }], waitingFor: '' });
});
