// The local stack as `npm start` runs it, in a folder and on ports of its own.
import { ACCOUNTS, SUPERUSERS } from '@lethe/local/accounts';
import { openCensus, type Census } from '@lethe/local/census';
import { startStack, type Stack } from '@lethe/local/stack';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A running stack with the census example, ready for a run. */
export type TestStack = Stack & { census: Census; state: string };

/** Starts a stack with six processes of its own. Each test file has its own `portBase`, below the ephemeral ports. */
export const startTestStack = async (portBase: number, settings: Record<string, string>): Promise<TestStack> => {
  const state = mkdtempSync(join(tmpdir(), 'lethe-e2e-'));
  const stack = await startStack({ state, portBase, accounts: ACCOUNTS, superusers: SUPERUSERS, settings, maxRestartsAMinute: 20 });
  const census = await openCensus(stack, { state, portBase });
  const stop = async (): Promise<void> => {
    census.close();
    await stack.stop();
    rmSync(state, { recursive: true, force: true });
  };
  return { ...stack, census, state, stop };
};

/** The pid of a service's own process: the child of its watcher. */
export const servicePid = (stack: Stack, noun: 'data'): number => {
  const watcher = stack.services.get(noun)?.pid ?? 0;
  return Number(readFileSync(`/proc/${watcher}/task/${watcher}/children`, 'utf8').trim().split(' ')[0]);
};
