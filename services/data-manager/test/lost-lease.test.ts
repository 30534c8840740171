// A run whose workers are lost says so, each time, while it is worked on again.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { startHeldSource, type HeldSource } from '@lethe/testkit/held-source';
import { makePeople, type People } from '@lethe/testkit/people';
import { startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { makeVisits } from '@lethe/testkit/visits';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let people: People;
let source: HeldSource;
let admin: Client;
let runId: string;
const log: string[] = [];
beforeAll(async () => {
  suite = await startSuite({ log: 'warn', onLog: (line) => log.push(line) });
  people = await makePeople(suite);
  source = await startHeldSource();
  admin = new Client({ connectionString: suite.databaseUrl });
  await admin.connect();
  const { taskId } = await makeVisits(suite, people.editor, people.groupId, source.url);
  runId = await startRun(people.manager, taskId);
});
afterAll(async () => {
  source.close();
  await admin.end();
  await suite.close();
});

const waitingFor = async (): Promise<string> => (await people.manager.task.getRun({ runId })).run?.waitingFor ?? '';

type Claim = { epoch: string; dead: number };

const readClaim = async (): Promise<Claim> => {
  const { rows } = await admin.query<Claim>('select epoch, worker_death_count as dead from lethe_data.executions');
  return rows[0] ?? { epoch: '', dead: 0 };
};

/** Takes the run from the worker that reads it, as if that was of another process and too slow to hold it, until it is claimed anew. */
const loseWorker = async (asked: number): Promise<void> => {
  await until(async () => (source.asked() >= asked ? true : undefined));
  const { epoch } = await readClaim();
  const slow = randomUUID();
  await until(async () => {
    await admin.query(`update lethe_data.executions set lease_owner = $1, lease_until = now() - interval '1 second' where epoch = $2`, [
      slow,
      epoch,
    ]);
    return (await readClaim()).epoch === epoch ? undefined : true;
  });
};

test('each lost worker is counted and told while the stage is done again, and the log of both workers has it', async () => {
  await loseWorker(1);
  await expect.poll(waitingFor, { timeout: 20_000 }).toContain('were lost in this stage: 1');
  await loseWorker(2);
  await expect.poll(waitingFor, { timeout: 20_000 }).toContain('were lost in this stage: 2');
  const { run } = await people.manager.task.getRun({ runId });
  expect(run).toMatchObject({ state: RunState.EXTRACTING, errorInfo: { reason: 'LEASE_LOST', count: 2n } });
  const lines = log.filter((line) => line.includes(runId));
  expect(lines.filter((line) => line.includes('a worker of the run was lost'))).toHaveLength(2);
  expect(lines.filter((line) => line.includes('this worker lost the run')).length).toBeGreaterThan(0);
});

test('workers that live on, however often they lose the run, are no dead workers: the run goes on', async () => {
  for (const asked of [3, 4]) {
    await loseWorker(asked);
    // The worker that lost the run finds it out, and says that it lives.
    await expect.poll(async () => (await readClaim()).dead, { timeout: 20_000 }).toBe(0);
  }
  await expect.poll(waitingFor, { timeout: 20_000 }).toContain('were lost in this stage: 4');
});

test('nothing is told any more when the stage is over, and the rows are there once', async () => {
  source.release();
  const run = await waitFor(people.manager, runId, RunState.PREPARED);
  expect(run).toMatchObject({ waitingFor: '', errorInfo: undefined, tables: [{ storedCount: 40n }] });
});
