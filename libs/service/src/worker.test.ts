import { pino, type Logger } from 'pino';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { every } from './worker.ts';

const HOUR_MS = 3_600_000;

const collectLog = (): { log: Logger; entries: unknown[] } => {
  const entries: unknown[] = [];
  const log = pino({ base: null, timestamp: false, messageKey: 'said' }, { write: (line: string) => void entries.push(JSON.parse(line)) });
  return { log, entries };
};

/** Runs a worker with long pauses; its rounds call `during` with a function that wakes it. Returns how many rounds it ran. */
const roundsOf = async (during: (round: number, wake: () => void) => void): Promise<{ count: number; listeners: number }> => {
  const ending = new AbortController();
  const listeners = new Set<() => void>();
  const wakeAll = (): void => [...listeners].forEach((wake) => wake());
  let count = 0;
  const worker = every(
    'test',
    HOUR_MS,
    async () => {
      count += 1;
      during(count, wakeAll);
    },
    {
      wakeOn: (wake) => {
        listeners.add(wake);
        return () => listeners.delete(wake);
      },
    },
  );
  const running = worker.run(ending.signal, collectLog().log);
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  ending.abort();
  await running;
  return { count, listeners: listeners.size };
};

test('an event ends the pause of a worker', async () => {
  expect((await roundsOf((round, wake) => void (round === 1 && setImmediate().then(wake)))).count).toBe(2);
});

test('an event during a round is not missed', async () => {
  expect((await roundsOf((round, wake) => round < 3 && wake())).count).toBe(3);
});

test('a worker that ends has no subscription left', async () => {
  expect((await roundsOf(() => {})).listeners).toBe(0);
});

test('a round that throws is logged by name and code, and another one follows', async () => {
  const { log, entries } = collectLog();
  const ending = new AbortController();
  let count = 0;
  const worker = every('test', 1, async () => {
    count += 1;
    if (count === 1) throw Object.assign(new Error('a value'), { code: '57P01' });
    ending.abort();
  });
  await worker.run(ending.signal, log);
  expect(count).toBe(2);
  expect(entries).toEqual([
    { level: 40, worker: 'test', error: 'Error 57P01', said: 'a round of a worker failed; the next one tries again' },
  ]);
});
