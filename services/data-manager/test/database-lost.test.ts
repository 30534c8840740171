// DataManager's own database: what a run makes of a connection that is lost, and of errors that are not the database's.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { stateName } from '@lethe/contracts/run-state';
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { makeOrders, query, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
let undisturbed: string[];

const hashes = async (runId: string): Promise<string[]> =>
  (await orders.worker.data.getAll({ runId })).entries.map(({ table, contentHash }) => `${table} ${contentHash}`).toSorted();

const claims = async (runId: string): Promise<number> =>
  Number((await query<{ epoch: string }>(suite, `select epoch::text from lethe_data.executions where run_id = '${runId}'`))[0]?.epoch);

/** Holds the run's row until a session of DataManager waits for it, ends that session, and lets the row go. */
const loseNextChange = async (runId: string): Promise<{ lost: Promise<void> }> => {
  const holder = new Client({ connectionString: suite.databaseUrl });
  await holder.connect();
  await holder.query('begin');
  await holder.query('select from lethe_data.executions where run_id = $1 for update', [runId]);
  const lose = async (): Promise<void> => {
    const waiting = `usename = 'lethe_data' and datname = current_database() and wait_event_type = 'Lock' and query ilike '%for update%'`;
    await until(async () => (await query(suite, `select pg_terminate_backend(pid) from pg_stat_activity where ${waiting}`))[0]);
    await holder.query('rollback');
    await holder.end();
  };
  return { lost: lose() };
};

/** Starts a run; `action` happens at a place of it. */
const startRunAt = async (place: string, action: (runId: string) => Promise<void>): Promise<string> => {
  const started = Promise.withResolvers<string>();
  armFailpoint(place, async () => action(await started.promise));
  const runId = await startRun(orders.worker, orders.taskId);
  started.resolve(runId);
  return runId;
};

beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
  undisturbed = await hashes(await preparedRun(orders.worker, orders.taskId));
});
afterAll(() => suite.close());
afterEach(() => disarmFailpoints());

describe('a connection that is lost in the middle of a stage', () => {
  test.each(
    [RunState.EXTRACTING, RunState.APPLYING_RULES, RunState.TRANSFORMING, RunState.ANONYMIZING, RunState.STORING].map((state) => [
      stateName(state),
    ]),
  )('in %s: the run is PREPARED with the same content', async (stage) => {
    let lost: Promise<void> | undefined;
    const runId = await startRunAt(`stage.${stage}.before`, async (id) => {
      ({ lost } = await loseNextChange(id));
    });
    await waitFor(orders.worker, runId, RunState.PREPARED);
    await lost;
    expect(await hashes(runId)).toEqual(undisturbed);
    expect(await claims(runId)).toBeGreaterThan(1);
  });

  test('in UPLOADING: the run is UPLOADED with the same content', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    const before = await claims(runId);
    let lost: Promise<void> | undefined;
    armFailpoint('upload.intent.before', async () => {
      ({ lost } = await loseNextChange(runId));
    });
    await confirmUpload(orders.worker, runId);
    await waitFor(orders.worker, runId, RunState.UPLOADED);
    await lost;
    expect(await hashes(runId)).toEqual(undisturbed);
    expect(await claims(runId)).toBeGreaterThan(before + 1);
  });
});

test('an error of the file system ends the run with a fixed sentence, without a path or the text of the error', async () => {
  let folder = '';
  const runId = await startRunAt('stage.EXTRACTING.before', async (id) => {
    folder = join(suite.folder, 'data', 'runs', id);
    // Whatever the stage opens below is in no folder.
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
  });
  const run = await until(async () => {
    const found = (await orders.worker.task.getRun({ runId })).run;
    return found?.state === RunState.FAILED ? found : undefined;
  });
  expect(run.error).toBe('The step failed for a reason that the log of DataManager names.');
  expect(run.error).not.toMatch(/\/|ENO|EACC|directory/);
});
