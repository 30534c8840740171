import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { expect, test } from 'vitest';
import { beginStage, endStage } from './stage-times.ts';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

test('a stage that is done says when it began and ended, and how many rows came out of it', () => {
  const stages = endStage(beginStage([], RunState.EXTRACTING, at(1)), at(3), 7n);
  expect(stages).toEqual([{ stage: RunState.EXTRACTING, startTime: at(1), endTime: at(3), rowCount: 7n }]);
});

test('a stage that begins anew is there once, and begins with its last try', () => {
  const first = beginStage(endStage(beginStage([], RunState.EXTRACTING, at(1)), at(2), 7n), RunState.APPLYING_RULES, at(2));
  const again = beginStage(endStage(first, at(5), 0n), RunState.APPLYING_RULES, at(5));
  expect(again.map(({ stage, startTime, endTime }) => ({ stage, startTime, endTime }))).toEqual([
    { stage: RunState.EXTRACTING, startTime: at(1), endTime: at(2) },
    { stage: RunState.APPLYING_RULES, startTime: at(5), endTime: undefined },
  ]);
});

test('where no stage is under way, none ends', () => {
  const done = endStage(beginStage([], RunState.STORING, at(1)), at(2), 7n);
  expect(endStage(done, at(9), 1n)).toEqual(done);
  expect(endStage([], at(9), 1n)).toEqual([]);
});
