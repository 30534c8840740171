import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { describe, expect, test } from 'vitest';
import { desireOf, isLive, isSettled, type Command } from './run.ts';

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
    const taking = STATES.filter((state) => desireOf(command, { state, hasEntries: false }) !== undefined);
    expect(taking).toEqual(STATES.filter((state) => states.includes(state)));
  });
});

test('resuming a paused run makes it run, resuming a prepared one uploads it', () => {
  const desires = [RunState.PAUSED, RunState.PREPARED].map((state) => desireOf('RESUME', { state, hasEntries: true }));
  expect(desires).toEqual([Desire.RUN, Desire.UPLOAD]);
});

test('what a stopped run has kept can be uploaded and deleted, and nothing of another ended run', () => {
  const taken = (state: RunState): Command[] =>
    (['PAUSE', 'RESUME', 'UPLOAD', 'STOP', 'RESOLVE'] as const).filter((command) => desireOf(command, { state, hasEntries: true }));
  expect(taken(RunState.STOPPED)).toEqual(['RESUME', 'UPLOAD', 'STOP']);
  expect(ENDED.filter((state) => state !== RunState.STOPPED).flatMap(taken)).toEqual([]);
  expect([Desire.PAUSE, Desire.RUN, Desire.UPLOAD, Desire.STOP].filter((desire) => !isSettled(RunState.STOPPED, desire))).toEqual([
    Desire.UPLOAD,
    Desire.STOP,
  ]);
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
