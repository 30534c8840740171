// The cases of `field-cases/`: situations that users of data tools meet, from the document to the uploaded rows.
import { makeWorker } from '@lethe/testkit/orders';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { ROOT } from '@lethe/servers/repository';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { readCases } from './support/field-case.ts';
import { judge } from './support/field-judge.ts';
import { runCase, type Place } from './support/field-run.ts';

// A case takes a few seconds; a machine that is busy with other things may take a minute.
const CASE_TIMEOUT_MS = 240_000;

let suite: Suite;
let place: Place;
beforeAll(async () => {
  suite = await startSuite();
  place = { suite, ...(await makeWorker(suite)) };
});
afterAll(() => suite.close());

// At most as many at once as vitest's maxConcurrency says. A name by `$why` would be cut.
describe.concurrent('a field case', () => {
  it.for(readCases(join(ROOT, 'e2e/field-cases')).map((given) => [given.why, given] as const))(
    '%s',
    { timeout: CASE_TIMEOUT_MS },
    async ([, given], { expect }) => {
      expect({ [given.name]: judge(given.expect, await runCase(place, given)) }).toEqual({ [given.name]: [] });
    },
  );
});
