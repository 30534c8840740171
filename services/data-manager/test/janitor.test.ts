// What is left in the data folder when DataManager starts.
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let dataFolder: string;
beforeAll(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), 'lethe-janitor-'));
  for (const name of [randomUUID(), 'not-a-run']) {
    mkdirSync(join(dataFolder, 'runs', name), { recursive: true });
    writeFileSync(join(dataFolder, 'runs', name, 'raw.csv'), 'left,over\n');
  }
  suite = await startSuite({ services: ['user', 'data'], settings: { LETHE_DATA_FOLDER: dataFolder } });
});
afterAll(async () => {
  await suite.close();
  rmSync(dataFolder, { recursive: true, force: true });
});

test('raw data without a run is removed at the start, under whatever name', async () => {
  await until(async () => (readdirSync(join(dataFolder, 'runs')).length === 0 ? true : undefined));
  expect(readdirSync(dataFolder)).toContain('runs');
});
