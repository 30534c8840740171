// A source that dies in the middle of its response: what was read of it is no result, and the stage is tried again.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { makePeople } from '@lethe/testkit/people';
import { startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { makeVisits, visitRows } from '@lethe/testkit/visits';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTime } from '../support/faults.ts';

const DEATHS = 2;

let suite: Suite;
let source: Server;
let asked = 0;
beforeAll(async () => {
  suite = await startSuite();
  source = createServer((_request, response) => {
    asked += 1;
    const body = JSON.stringify({ rows: visitRows(40) });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    if (asked <= DEATHS) response.write(body.slice(0, body.length / 2), () => response.socket?.destroy());
    else response.end(body);
  });
  await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  source.closeAllConnections();
  source.close();
  await suite.close();
});

test('it is asked again, nothing is taken for a defect, and the run ends with every row once', async () => {
  const { editor, manager, groupId } = await makePeople(suite);
  const { taskId } = await makeVisits(suite, editor, groupId, `http://127.0.0.1:${(source.address() as AddressInfo).port}`);
  const runId = await startRun(manager, taskId);
  const reasons = new Set<string>();
  const watching = (async () => {
    for await (const { run } of manager.task.watchRun({ runId })) {
      if (run?.waitingFor) reasons.add(run.errorInfo?.reason ?? '');
      if (run?.state === RunState.PREPARED) return;
    }
  })();
  const run = await inTime(() => waitFor(manager, runId, RunState.PREPARED));
  await watching;
  expect(run.tables).toMatchObject([{ storedCount: 40n }]);
  expect(asked).toBe(DEATHS + 1);
  expect([...reasons]).not.toContain('INTERNAL');
});
