import type { RunErrorReason } from '@lethe/contracts/gen/lethe/data/v1/run_error_reason';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { locating, RunError, runErrorInfo, stageError, toRunError, type RunFacts, type RunReason } from './run-error.ts';

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

describe('the place of a failure', () => {
  test('is what its sentence names, and what those add who know more; what is known already stays', async () => {
    const failing = locating({ table: 'other', connectionId: 'c', connectionName: 'shop' }, () =>
      locating({ table: 'orders' }, () => Promise.reject(stageError('TABLE_MISSING', { object: 'public.orders' }))),
    );
    const error: RunError = await failing.catch((thrown: unknown) => thrown as RunError);
    expect(error).toMatchObject({ place: { table: 'orders', connectionId: 'c', connectionName: 'shop', object: 'public.orders' } });
    expect(runErrorInfo(error, RunState.EXTRACTING)).toEqual({
      reason: 'TABLE_MISSING',
      stage: RunState.EXTRACTING,
      table: 'orders',
      column: '',
      connectionId: 'c',
      connectionName: 'shop',
      object: 'public.orders',
      line: 0n,
      count: 0n,
      action: "Correct the name, or ask the store's owner for the right to read it.",
      problems: [],
    });
  });

  test('stands before the sentence where that does not name it', () => {
    expect(stageError('HTTP_AWAY').locate({ table: 'orders', connectionName: 'shop' }).told).toBe(
      'Table orders, connection shop: The HTTP server cannot be reached.',
    );
    expect(stageError('TABLE_UNKNOWN', { table: 'orders' }).told).toBe('The plan has no table orders.');
  });

  test('is not known of an error that the catalogue does not have', async () => {
    const thrown = new RangeError('planted');
    await expect(locating({ table: 'orders' }, () => Promise.reject(thrown))).rejects.toBe(thrown);
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
