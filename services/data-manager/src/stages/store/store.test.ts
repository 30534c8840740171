import { join } from 'node:path';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { BaseType, Column, Role, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { SuppressScope } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { EmptyStrategy, NullReference, RangeStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roleColumn, writeInput } from '../../../test/support/anonymize-fixture.ts';
import { anonymize } from '../anonymize/anonymize.ts';
import { readManifest, writeManifest } from '../stage-manifest.ts';
import { contextOf, openBench, type Bench } from '../../../test/support/run-fixture.ts';
import { measureTable } from '../../outbox/measure.ts';
import { readStored, store } from './store.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const keys = { pseudonymKey: () => new Uint8Array(32).fill(1), seed: new Uint8Array(32) };
const AGE = roleColumn('age', Role.QUASI_IDENTIFYING, BaseType.INTEGER);
const need = (k: number, suppressionLimit = 0) => ({
  models: [{ model: { $case: 'kAnonymity' as const, value: { k } } }],
  suppressionLimit,
});
type Parts = NonNullable<Parameters<typeof EffectivePlan.fromPartial>[0]>;
const planOf = (columns: Column[], parts: Partial<Table> | Parameters<typeof Table.fromPartial>[0], rest: Parts = {}) =>
  EffectivePlan.fromPartial({ ...rest, results: [{ name: 'people', columns, ...(parts as object) }, ...(rest.results ?? [])] });

const run = async (plan: EffectivePlan, rows: Record<string, (string | null)[][]>, change?: (directory: string) => Promise<void>) => {
  const directory = await bench.folder();
  await writeInput(bench, directory, { plan, rows });
  const context = contextOf(bench, directory, plan);
  await anonymize(context, keys);
  await change?.(directory);
  await store(context);
  return readStored(directory, join(directory, 'outbox'));
};

describe('storing', () => {
  it('returns what was measured on the stored files', async () => {
    const [stored] = await run(planOf([AGE], { privacy: need(2) }), { people: [['3'], ['3'], ['4'], ['4'], ['4']] });
    expect(stored).toMatchObject({
      table: 'people',
      rowCount: 5,
      privacy: { kRequired: 2, kAchieved: 2n, classCount: 2n, suppressionBaseCount: 5n, violations: [] },
    });
    expect(stored?.segments.every(({ path }) => path.startsWith('store/'))).toBe(true);
  });

  it('refuses a class below k', async () => {
    const failure = run(planOf([AGE], { privacy: need(2) }), { people: [['3'], ['3'], ['4']] });
    await expect(failure).rejects.toThrow('Table people: The smallest class has 1 rows; k = 2 is required.');
  });

  it('refuses NULLs as a class below k', async () => {
    await expect(run(planOf([AGE], { privacy: need(2) }), { people: [['3'], ['3'], [null]] })).rejects.toThrow('smallest class has 1');
  });

  it('refuses more suppressed rows than the limit, whatever the search thought of it', async () => {
    const claim = async (directory: string): Promise<void> => {
      const { manifest } = await readManifest(directory, 'anonymize');
      const [privacy] = (manifest as typeof manifest & { privacy: { suppressedCount: number }[] }).privacy;
      if (privacy) privacy.suppressedCount = 3;
      await writeManifest(join(directory, 'anonymize'), manifest);
    };
    await expect(run(planOf([AGE], { privacy: need(2, 0.5) }), { people: [['3'], ['3'], ['3'], ['3']] }, claim)).rejects.toThrow(
      'Table people: 3 of 4 rows are suppressed; at most 2 may be.',
    );
  });

  it('refuses an identifying column, and quasi-identifying ones without a requirement', async () => {
    await expect(
      run(planOf([roleColumn('name', Role.IDENTIFYING)], { privacy: { noneReason: 'none' } }), { people: [['a']] }),
    ).rejects.toThrow('Table people: Identifying columns are left: name.');
    await expect(run(planOf([AGE], { privacy: { noneReason: 'none' } }), { people: [['3']] })).rejects.toThrow('no requirement');
  });

  it('refuses a pseudonym column with anything but tokens of the declared length', async () => {
    const step = {
      table: 'people',
      rank: 1,
      operation: { $case: 'pseudonymize' as const, value: { columns: ['name'], domain: 'p', length: 24 } },
    };
    const plan = planOf([roleColumn('name', Role.IDENTIFYING)], { privacy: { noneReason: 'none' } }, { steps: [step] });
    expect((await run(plan, { people: [['a'], [null]] }))[0]?.rowCount).toBe(2);
    const longer = async (directory: string): Promise<void> => {
      const { manifest } = await readManifest(directory, 'anonymize');
      const [privacy] = (manifest as typeof manifest & { privacy: { tokenLengths: Record<string, number> }[] }).privacy;
      if (privacy) privacy.tokenLengths['name'] = 25;
      await writeManifest(join(directory, 'anonymize'), manifest);
    };
    await expect(run(plan, { people: [['a']] }, longer)).rejects.toThrow('Table people: Column name holds values that are no tokens.');
    const undeclared = planOf([roleColumn('name', Role.PSEUDONYM)], { privacy: { noneReason: 'none' } });
    expect((await run(undeclared, { people: [['ab12'], ['cd34']] }))[0]?.rowCount).toBe(2);
    await expect(run(undeclared, { people: [['ab12'], ['Ada']] })).rejects.toThrow('no tokens');
    await expect(run(undeclared, { people: [['ab12'], ['cd345']] })).rejects.toThrow('no tokens');
  });

  it('refuses orphans of a key of the result; a reference with NULL is none', async () => {
    const key = { columns: ['who'], referencedTable: 'people', referencedColumns: ['id'] };
    const other = { name: 'visits', columns: [roleColumn('who', Role.INSENSITIVE)], foreignKeys: [key], privacy: { noneReason: 'none' } };
    const plan = planOf([roleColumn('id', Role.INSENSITIVE)], { privacy: { noneReason: 'none' } }, { results: [other] });
    expect(await run(plan, { people: [['1']], visits: [['1'], [null]] })).toHaveLength(2);
    const forget = async (directory: string): Promise<void> => {
      const { manifest } = await readManifest(directory, 'anonymize');
      await writeManifest(join(directory, 'anonymize'), {
        ...manifest,
        tables: manifest.tables.map((table) => (table.table === 'people' ? { ...table, segments: [] } : table)),
      });
    };
    await expect(run(plan, { people: [['1']], visits: [['1'], [null]] }, forget)).rejects.toThrow(
      'Table visits: 1 rows refer by who to rows that table people does not have.',
    );
  });
});

describe('rules of stored rows, whatever a transform made of them', () => {
  const none = { noneReason: 'none' };
  const plain = (name: string, rest: Parameters<typeof Column.fromPartial>[0] = {}): Column =>
    Column.fromPartial({ ...roleColumn(name, Role.INSENSITIVE, BaseType.INTEGER), ...rest });

  it('a primary key that is none any more is refused with table and key', async () => {
    const plan = planOf([plain('id')], { privacy: none, primaryKey: { columns: ['id'], conflict: 2 } });
    await expect(run(plan, { people: [['1'], ['1'], ['2']] })).rejects.toThrow(
      'Table people: the primary key id has 1 values that occur more than once.',
    );
    await expect(run(plan, { people: [[null]] })).rejects.toThrow('Table people: the column id must not be empty (1 rows).');
  });

  it('an empty value in a required column, and in a reference that must not be empty, is refused', async () => {
    const required = planOf([plain('id', { empty: { strategy: EmptyStrategy.DROP_RECORD } })], { privacy: none });
    await expect(run(required, { people: [[null]] })).rejects.toThrow('the column id must not be empty');
    const key = { columns: ['boss'], referencedTable: 'people', referencedColumns: ['id'], nullReference: NullReference.DROP };
    const referring = planOf([plain('id'), plain('boss')], { privacy: none, foreignKeys: [key] });
    await expect(run(referring, { people: [['1', null]] })).rejects.toThrow('the column boss must not be empty');
  });

  it('a value beyond its range is refused', async () => {
    const ranged = planOf([plain('age', { range: { minimum: '0', maxExclusive: '120', strategy: RangeStrategy.CLAMP } })], {
      privacy: none,
    });
    await expect(run(ranged, { people: [['120'], ['119'], ['-1'], [null]] })).rejects.toThrow(
      'Table people: the column age is beyond its range (2 rows).',
    );
    expect(await run(ranged, { people: [['0'], ['119']] })).toHaveLength(1);
  });

  it('cells that a step made empty are not required any more', async () => {
    const value = { scope: SuppressScope.VALUE, columns: ['id'], values: ['1'] };
    const step = { table: 'people', rank: 1, operation: { $case: 'suppress' as const, value } };
    const plan = planOf([plain('id', { empty: { strategy: EmptyStrategy.DROP_RECORD } })], { privacy: none }, { steps: [step] });
    expect(await run(plan, { people: [['1'], ['2']] })).toHaveLength(1);
  });
});

describe('hashes of content', () => {
  const columns = [roleColumn('a', Role.INSENSITIVE), roleColumn('b', Role.INSENSITIVE)];
  const plan = planOf(columns, { privacy: { noneReason: 'none' } });
  const hash = async (rows: (string | null)[][]): Promise<string> => (await run(plan, { people: rows }))[0]?.contentHash ?? '';

  it('are those of the multiset of rows', async () => {
    const base = [
      ['a', 'b'],
      ['c', null],
      ['c', null],
    ];
    expect(await hash(base.toReversed())).toBe(await hash(base));
    const others = [
      [
        ['a', 'b'],
        ['c', null],
      ],
      [
        ['ab', ''],
        ['c', null],
        ['c', null],
      ],
      [
        ['b', 'a'],
        ['c', null],
        ['c', null],
      ],
      [
        ['a', 'b'],
        ['c', ''],
        ['c', null],
      ],
    ];
    const hashes = new Set([await hash(base), ...(await Promise.all(others.map(hash)))]);
    expect(hashes.size).toBe(others.length + 1);
  });

  it('measures rows with edits like stored ones', async () => {
    const query = 'SELECT 1 AS row_id, 3::BIGINT AS age UNION ALL SELECT 2, 3';
    const measured = await measureTable(bench.engine, {
      rows: query,
      columns: [AGE],
      requirement: EffectivePlan.fromPartial({ results: [{ privacy: need(3) }] }).results[0]?.privacy,
      base: { intoAnonymizing: 2, suppressed: 0 },
    });
    expect(measured.privacy.violations).toEqual(['The smallest class has 2 rows; k = 3 is required.']);
  });
});
