import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { expect, test } from 'vitest';
import { isLeftToPerson, keepsWorkerDeaths } from './execution.ts';

test('workers that died count until their stage is done, and over both states of an upload', () => {
  expect(keepsWorkerDeaths(RunState.EXTRACTING, RunState.EXTRACTING)).toBe(true);
  expect(keepsWorkerDeaths(RunState.VERIFYING, RunState.UPLOADING)).toBe(true);
  expect(keepsWorkerDeaths(RunState.EXTRACTING, RunState.APPLYING_RULES)).toBe(false);
  expect(keepsWorkerDeaths(RunState.UPLOADING, RunState.PREPARED)).toBe(false);
});

test('an upload that no worker survives, and that a target may have taken in, is left to a person at once', () => {
  const upload = { state: RunState.VERIFYING, desire: Desire.UPLOAD, attempt: 0 };
  expect(isLeftToPerson(upload, { transient: false, reason: 'WORKER_DIED' })).toBe(true);
  expect(isLeftToPerson(upload, { transient: false, reason: 'LEDGER_MISSING' })).toBe(false);
});
