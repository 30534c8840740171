import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { describe, expect, test } from 'vitest';
import { desireOf, isLive, type Command } from './run.ts';

const STATES = Object.values(RunState).filter((state) => state !== RunState.UNSPECIFIED);
const WORKING: RunState[] = [
  RunState.CREATED,
  RunState.QUEUED,
  RunState.EXTRACTING,
  RunState.APPLYING_RULES,
  RunState.TRANSFORMING,
  RunState.ANONYMIZING,
  RunState.STORING,
];
const ENDED: RunState[] = [RunState.UPLOADED, RunState.STOPPED, RunState.FAILED, RunState.EXPIRED];

describe('a command is taken', () => {
  test.each<[Command, RunState[]]>([
    ['PAUSE', WORKING],
    ['RESUME', [RunState.PAUSED, RunState.PREPARED, RunState.UPLOAD_UNKNOWN]],
    ['RESOLVE', [RunState.UPLOAD_UNKNOWN]],
    ['UPLOAD', [RunState.PREPARED]],
    ['STOP', STATES.filter((state) => !ENDED.includes(state) && state !== RunState.UPLOAD_UNKNOWN)],
  ])('%s in its states only', (command, states) => {
    expect(STATES.filter((state) => desireOf(command, state) !== undefined)).toEqual(STATES.filter((state) => states.includes(state)));
  });
});

test('resuming a paused run makes it run, resuming a prepared one uploads it', () => {
  expect([desireOf('RESUME', RunState.PAUSED), desireOf('RESUME', RunState.PREPARED)]).toEqual([Desire.RUN, Desire.UPLOAD]);
});

test('a prepared run prevents another run only while DataManager has not reacted to the upload', () => {
  expect(isLive(RunState.PREPARED, Desire.RUN, false)).toBe(false);
  expect(isLive(RunState.PREPARED, Desire.UPLOAD, true)).toBe(true);
  expect(isLive(RunState.PREPARED, Desire.UPLOAD, false)).toBe(false);
});

test('a run prevents another run from its creation to its end', () => {
  expect(STATES.filter((state) => isLive(state, Desire.RUN, false))).toEqual(
    STATES.filter((state) => state !== RunState.PREPARED && !ENDED.includes(state)),
  );
});
