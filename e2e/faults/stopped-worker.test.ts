// A worker that is stopped past its lease and continued: another has gone on meanwhile, or it goes on itself. Nothing of the one after it is harmed.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { runJob, type JobResult } from '@lethe/local/job';
import type { Guarded } from '@lethe/servers/guard';
import { until } from '@lethe/testkit/until';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, expectAuditOnce, expectSameEnd, inTime, isStopped, SILENT } from '../support/faults.ts';
import { startSecondWorker } from '../support/second-worker.ts';
import { servicePid, startTestStack, type TestStack } from '../support/stack.ts';

const LEASE_MS = 3_000;
// The first passing of a place is the undisturbed job's.
const STOPS: [state: string, place: string][] = [
  ['STORING', 'stage.file.rename.before'],
  ['UPLOADING', 'upload.target.commit.before'],
];
const CASES = [1, 2].flatMap((workerCount) => STOPS.map(([state, place]) => ({ workerCount, state, place })));

const raw = (stack: TestStack): string[] => {
  const folder = join(stack.state, 'data', 'runs', 'runs');
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe.each(CASES)(
  'with $workerCount DataManager, a worker that is stopped past its lease in $state',
  ({ workerCount, state, place }) => {
    let stack: TestStack;
    let undisturbed: JobResult;
    let second: Guarded | undefined;
    const portBase = 18_400 + workerCount * 100 + (state === 'STORING' ? 0 : 50);
    beforeAll(async () => {
      stack = await startTestStack(portBase, { LETHE_LEASE_MS: String(LEASE_MS), LETHE_FAILPOINT: `${place}:2:SIGSTOP` });
      undisturbed = await runJob(stack.census.people, stack.census.setup, SILENT);
    });
    afterAll(async () => {
      await second?.stop();
      await stack.stop();
    });

    /** Lets the stopped worker go on after its lease has passed, and with two, after the other has taken the run over. */
    const goOnLater = async (): Promise<void> => {
      const pid = servicePid(stack, 'data');
      await until(async () => (isStopped(pid) ? true : undefined), 100_000);
      const [before] = await ask(stack, `select run_id, epoch from lethe_data.executions order by create_time desc limit 1`);
      if (workerCount === 2) {
        second ??= startSecondWorker(stack.state, stack, portBase + 40, { LETHE_FAILPOINT: '' });
        await until(async () => {
          const [now] = await ask(stack, `select epoch from lethe_data.executions where run_id = '${before?.['run_id']}'`);
          return now?.['epoch'] === before?.['epoch'] ? undefined : true;
        }, 60_000);
      }
      await sleep(LEASE_MS * 1.5);
      process.kill(pid, 'SIGCONT');
    };

    test('the run ends with the same content, one ledger row, and nobody’s files removed', async () => {
      const continued = goOnLater();
      const result = await inTime(() => runJob(stack.census.people, stack.census.setup, SILENT), LEASE_MS * 1.5);
      await continued;
      expect(result.run.state).toBe(RunState.UPLOADED);
      await expectSameEnd(stack, undisturbed, result);
      await expect.poll(() => raw(stack), { timeout: 20_000 }).toEqual([]);
      const outbox = readdirSync(join(stack.state, 'data', 'runs', 'outbox', result.run.id));
      expect(outbox.filter((name) => name.startsWith('.'))).toEqual([]);
      expect(outbox).toContain('manifest.json');
    });

    test('every audit record is there once', () => expectAuditOnce(stack));
  },
);
