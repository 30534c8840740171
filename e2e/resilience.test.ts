// What a run survives: its worker killed in each stage, and a broker that is away.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { runJob, type JobResult } from '@lethe/local/job';
import { stateName } from '@lethe/contracts/run-state';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SILENT, startUndisturbed } from './support/faults.ts';
import { servicePid, type TestStack } from './support/stack.ts';

const PORT_BASE = 18_100;

let stack: TestStack;
let undisturbed: JobResult;
beforeAll(async () => {
  ({ stack, undisturbed } = await startUndisturbed(PORT_BASE));
});
afterAll(() => stack.stop());

/** Kills DataManager once the live run is in a state, as soon as its database says so. */
const killIn = async (state: RunState, signal: AbortSignal): Promise<boolean> => {
  const client = new Client({ connectionString: stack.postgres.url.replace(/\/[^/]*$/, '/lethe') });
  await client.connect();
  try {
    while (!signal.aborted) {
      const { rows } = await client.query('select from lethe_data.executions where state = $1', [state]);
      if (rows.length > 0) {
        await sleep(30);
        process.kill(servicePid(stack, 'data'), 'SIGKILL');
        return true;
      }
      await sleep(5);
    }
    return false;
  } finally {
    await client.end();
  }
};

const STAGES: RunState[] = [
  RunState.EXTRACTING,
  RunState.APPLYING_RULES,
  RunState.TRANSFORMING,
  RunState.ANONYMIZING,
  RunState.STORING,
  RunState.UPLOADING,
];

describe('DataManager killed with -9', () => {
  test.each(STAGES.map((state) => [stateName(state), state] as const))(
    'in %s: the run ends with the same content',
    async (_name, state) => {
      const ended = new AbortController();
      const killed = killIn(state, ended.signal);
      const result = await runJob(stack.census.people, stack.census.setup, SILENT);
      ended.abort();
      expect(await killed).toBe(true);
      expect(result.entry.contentHash).toBe(undisturbed.entry.contentHash);
      expect(result.run.tables).toEqual(undisturbed.run.tables);
      expect(result.run.state).toBe(RunState.UPLOADED);
    },
  );
});

describe('NATS stopped before Start', () => {
  const AWAY_MS = Number(process.env['LETHE_TEST_AWAY_MS'] ?? 10_000);

  test('the run waits, WatchRun says for what, and it ends by itself', async () => {
    await stack.stopNats();
    const waits = new Set<string>();
    const back = sleep(AWAY_MS).then(() => stack.restartNats());
    const result = await runJob(stack.census.people, stack.census.setup, { ...SILENT, run: ({ waitingFor }) => waits.add(waitingFor) });
    await back;
    expect([...waits].join(' ')).toMatch(/NATS|event|broker|delivered/i);
    expect(result.entry.contentHash).toBe(undisturbed.entry.contentHash);
    expect(result.durationMs).toBeGreaterThan(AWAY_MS);
  });
});
