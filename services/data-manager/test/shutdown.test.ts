// A worker that is told to end while it works on a run.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { startHeldSource } from '@lethe/testkit/held-source';
import { query } from '@lethe/testkit/orders';
import { makePeople } from '@lethe/testkit/people';
import { startRun } from '@lethe/testkit/runs';
import { startSuite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { makeVisits } from '@lethe/testkit/visits';
import { expect, test } from 'vitest';

test('a shutdown in the middle of a stage leaves the run as it is, and gives it back for the next worker', async () => {
  const suite = await startSuite();
  const source = await startHeldSource();
  try {
    const { editor, manager, groupId } = await makePeople(suite);
    const { taskId } = await makeVisits(suite, editor, groupId, source.url);
    const runId = await startRun(manager, taskId);
    await until(async () => (source.asked() > 0 ? true : undefined));
    await suite.running.get('data')?.close();
    suite.running.delete('data');
    const rows = await query(suite, `select state, error, lease_owner from lethe_data.executions where run_id = '${runId}'`);
    expect(rows).toEqual([{ state: RunState.EXTRACTING, error: '', lease_owner: null }]);
  } finally {
    source.close();
    await suite.close();
  }
});
