// A group with many runs does not keep those of another waiting until all of its own are done.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { startHeldSource } from '@lethe/testkit/held-source';
import { makePeople, type People } from '@lethe/testkit/people';
import { startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { makeVisits } from '@lethe/testkit/visits';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite({ settings: { LETHE_MAX_RUNS: '1' } });
});
afterAll(() => suite.close());

const start = async ({ editor, manager, groupId }: People, url?: string): Promise<string> =>
  startRun(manager, (await makeVisits(suite, editor, groupId, url)).taskId);

test('the run of another group comes before the further ones of a group that has just been served', async () => {
  const [many, one] = [await makePeople(suite), await makePeople(suite)];
  const source = await startHeldSource();
  await start(many, source.url);
  await until(async () => (source.asked() > 0 ? true : undefined));
  const waiting = [await start(many), await start(many), await start(many)];
  const other = await start(one);
  source.release();
  const preparedAt = async (people: People, runId: string): Promise<number> =>
    (await waitFor(people.manager, runId, RunState.PREPARED)).prepareTime?.getTime() ?? 0;
  const otherAt = await preparedAt(one, other);
  for (const runId of waiting) expect(await preparedAt(many, runId)).toBeGreaterThan(otherAt);
  source.close();
});
