// A machine that gives DataManager a quarter of a core: whatever is computed meanwhile, the lease is held.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { runJob } from '@lethe/local/job';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, expectSameEnd, inTime, SILENT, throttle } from '../support/faults.ts';
import { servicePid, startTestStack, type TestStack } from '../support/stack.ts';

const LEASE_MS = 3_000;
const SHARE = 0.25;

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack(17_500, { LETHE_LEASE_MS: String(LEASE_MS) });
});
afterAll(() => stack.stop());

test('with a quarter of a core the run ends with the same content, and its lease is never lost', async () => {
  const startMs = performance.now();
  const undisturbed = await runJob(stack.census.people, stack.census.setup, SILENT);
  const undisturbedMs = performance.now() - startMs;
  const end = throttle(servicePid(stack, 'data'), SHARE);
  try {
    const result = await inTime(() => runJob(stack.census.people, stack.census.setup, SILENT), undisturbedMs / SHARE);
    expect(result.run.state).toBe(RunState.UPLOADED);
    await expectSameEnd(stack, undisturbed, result);
    // One turn until it is prepared, and one for the upload.
    const claims = await ask(stack, `select epoch::int as epoch from lethe_data.executions where run_id = '${result.run.id}'`);
    expect(claims).toEqual([{ epoch: 2 }]);
    const lost = await ask(stack, `select count(*)::int as count from lethe_audit.audit_logs where action = 'system/lease-lost'`);
    expect(lost).toEqual([{ count: 0 }]);
  } finally {
    end();
  }
});
