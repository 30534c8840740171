// The fencing epoch: a worker that was taken for dead writes nothing any more, however alive it is.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { startHeldSource, type HeldSource } from '@lethe/testkit/held-source';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { startRun, waitFor } from '@lethe/testkit/runs';
import { makeVisits } from '@lethe/testkit/visits';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let people: People;
let source: HeldSource;
let admin: Client;
let runId: string;
beforeAll(async () => {
  suite = await startSuite({ settings: { LETHE_LEASE_MS: '60000' } });
  people = await makePeople(suite);
  source = await startHeldSource();
  admin = new Client({ connectionString: suite.databaseUrl });
  await admin.connect();
  const { taskId } = await makeVisits(suite, people.editor, people.groupId, source.url);
  runId = await startRun(people.manager, taskId);
  await until(async () => (source.asked() > 0 ? true : undefined));
});
afterAll(async () => {
  source.close();
  await admin.end();
  await suite.close();
});

const execution = async (): Promise<{ state: number; revision: string; epoch: string }> =>
  (await admin.query<{ state: number; revision: string; epoch: string }>('select state, revision, epoch from lethe_data.executions'))
    .rows[0] ?? {
    state: 0,
    revision: '',
    epoch: '',
  };

test('a worker whose run was claimed by another changes nothing of it', async () => {
  await admin.query(`update lethe_data.executions set epoch = epoch + 1, lease_owner = $1, lease_until = now() + interval '1 hour'`, [
    randomUUID(),
  ]);
  const before = await execution();
  source.release();
  // The old worker gets its rows now; its stages take less than that.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(await execution()).toEqual(before);
  expect(before.state).toBe(RunState.EXTRACTING);
});

test('who holds the run next brings it to its end', async () => {
  await admin.query(`update lethe_data.executions set lease_until = now() - interval '1 second'`);
  const run = await waitFor(people.manager, runId, RunState.PREPARED);
  expect(run.tables).toMatchObject([{ storedCount: 40n }]);
});
