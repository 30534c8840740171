// JSON of sources that takes what it can: nested without end, or one text without end. The run fails by name, and DataManager serves meanwhile.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { makePeople, type People } from '@lethe/testkit/people';
import { startRun } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { makeVisits, visitRows } from '@lethe/testkit/visits';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let people: People;
const servers: Server[] = [];
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
});
afterAll(async () => {
  servers.forEach((server) => server.close());
  await suite.close();
});

test.each([
  [
    'a row with a member nested ten thousand deep',
    () =>
      JSON.stringify({ rows: visitRows(40).map((row) => ({ ...row, more: 0 })) }).replace(
        '"more":0',
        `"more":${'['.repeat(10_000)}${']'.repeat(10_000)}`,
      ),
  ],
  ['a row of one text of 80 MB', () => `{"rows": [{"id": "${'x'.repeat(80_000_000)}"}]}`],
  ['a frame of 40 MB before the rows', () => `{"before": "${'x'.repeat(40_000_000)}", "rows": []}`],
])('%s fails the run by name, and calls are served meanwhile', async (_name, text) => {
  const body = text();
  const server = createServer((_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { taskId } = await makeVisits(suite, people.editor, people.groupId, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const runId = await startRun(people.manager, taskId);
  let slowestMs = 0;
  for (const endMs = Date.now() + 60_000; Date.now() < endMs;) {
    const start = performance.now();
    await people.reviewer.data.getAll({ groupId: people.groupId });
    slowestMs = Math.max(slowestMs, performance.now() - start);
    const { run } = await people.manager.task.getRun({ runId });
    if (run?.state === RunState.FAILED) {
      expect(run.errorInfo).toMatchObject({
        reason: expect.stringMatching(/^(?:TEXT|JSON|ROW|LINE)_/) as string,
        stage: RunState.EXTRACTING,
      });
      expect(slowestMs).toBeLessThan(2_000);
      return;
    }
  }
  throw new Error('the run did not end');
});
