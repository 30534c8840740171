import type { RunErrorReason } from '@lethe/contracts/gen/lethe/data/v1/run_error_reason';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { RunError, stageError, toRunError, type RunFacts, type RunReason } from './run-error.ts';

describe('the error of a reason', () => {
  test('has the sentence of the catalogue with its facts, and what the catalogue says of another try', () => {
    const error = stageError('TARGET_DIFFERS', { table: 'orders', found: 3, count: 4 });
    expect(error.message).toBe('The target holds other rows of table orders than were sent (3 of 4).');
    expect(error).toMatchObject({ reason: 'TARGET_DIFFERS', transient: false });
    expect(stageError('HTTP_AWAY').transient).toBe(true);
  });

  test('is one of the generated enum, with the facts of its sentence: anything else does not compile', () => {
    expectTypeOf<RunReason>().toEqualTypeOf<Exclude<keyof typeof RunErrorReason, 'UNSPECIFIED'>>();
    expectTypeOf<keyof RunFacts<'TARGET_DIFFERS'>>().toEqualTypeOf<'table' | 'found' | 'count'>();
    // @ts-expect-error a mistyped reason
    expect(() => stageError('TARGET_DIFFER', { table: 'orders', found: 3, count: 4 })).toThrow();
    // @ts-expect-error a missing fact
    stageError('TARGET_DIFFERS', { table: 'orders', found: 3 });
    // @ts-expect-error a fact that the sentence does not have
    stageError('TABLE_UNKNOWN', { table: 'orders', column: 'number' });
    // @ts-expect-error no facts at all
    stageError('TABLE_UNKNOWN');
  });
});

describe('whatever a step threw', () => {
  test('comes out as it is where the catalogue has it', () => {
    const error = stageError('ENGINE_DIED');
    expect(toRunError(error)).toBe(error);
  });

  test.each([
    ['an error of the file system', Object.assign(new Error("EACCES: permission denied, open '/var/x'"), { code: 'EACCES' })],
    ['a range error', new RangeError('planted')],
    ['a text', 'planted'],
  ])('is INTERNAL with a fixed sentence for %s', (_, thrown) => {
    const error = toRunError(thrown);
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({
      reason: 'INTERNAL',
      message: 'The step failed for a reason that the log of DataManager names.',
      cause: thrown,
    });
  });

  test('may go through later where the disk was full', () => {
    expect(toRunError(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }))).toMatchObject({ reason: 'DISK_FULL', transient: true });
  });
});
