import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CastPolicy, EmptyStrategy, RangeStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyRules } from './apply-rules.ts';
import { readManifest } from '../stage-manifest.ts';
import { column, contextOf, oneSource, openBench, planOf, runRules, type Bench } from '../../../test/support/run-fixture.ts';
import { writeExtract } from '../extract/write-extract.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await openBench();
});

afterAll(() => bench.close());

/** Runs one column of texts, in a table that also has an id. */
const runColumn = async (value: ReturnType<typeof column>, texts: (string | null)[]) => {
  const plan = planOf([{ name: 't', columns: [column('id'), value] }]);
  const run = await runRules(bench, plan, [
    oneSource(
      't',
      texts.map((text, index) => [String(index), text]),
    ),
  ]);
  return { kept: run.rows['t']?.map((row) => row[1]), counts: run.counts['t'] };
};

describe('empty fields', () => {
  const markers = ['?', 'NA', ''];

  it('makes null markers and NULL the same nothing, and leaves the record', async () => {
    const { kept, counts } = await runColumn(
      column('value', BaseType.STRING, { empty: { nullMarkers: markers, strategy: EmptyStrategy.IGNORE } }),
      ['a', '?', 'NA', '', null, ' ?', 'na'],
    );
    expect(kept).toEqual(['a', null, null, null, null, ' ?', 'na']);
    expect(counts?.dropped).toEqual([]);
  });

  it('keeps the empty text apart from NULL where it is no marker', async () => {
    const { kept } = await runColumn(column('value'), ['', null, 'a\nb', '"', '\\N', ' ']);
    expect(kept).toEqual(['', null, 'a\nb', '"', '\\N', ' ']);
  });

  it('cuts blanks before markers are recognised, where asked', async () => {
    const { kept } = await runColumn(
      column('value', BaseType.STRING, { trim: true, empty: { nullMarkers: ['?'], strategy: EmptyStrategy.IGNORE } }),
      [' ? ', '\t?\n', ' a b ', '\u00a0c'],
    );
    expect(kept).toEqual([null, null, 'a b', 'c']);
  });

  it('replaces and counts the cells', async () => {
    const { kept, counts } = await runColumn(
      column('value', BaseType.INTEGER, { empty: { nullMarkers: markers, strategy: EmptyStrategy.REPLACE_WITH, replacement: '0' } }),
      ['1', '?', null],
    );
    expect(kept).toEqual(['1', '0', '0']);
    expect(counts?.replaced).toEqual([{ rule: 'empty:value', count: 2 }]);
  });

  it('drops the record and counts it', async () => {
    const { kept, counts } = await runColumn(
      column('value', BaseType.STRING, { empty: { nullMarkers: markers, strategy: EmptyStrategy.DROP_RECORD } }),
      ['a', '?', null, 'b'],
    );
    expect(kept).toEqual(['a', 'b']);
    expect(counts?.dropped).toEqual([{ rule: 'empty:value', count: 2 }]);
  });
});

describe('casts', () => {
  const readable: [string, BaseType, string[], (string | null)[]][] = [
    [
      'integers',
      BaseType.INTEGER,
      ['9223372036854775807', '-1', '+5', '42.0', '4.20e1', '1E3', '120e-1', '0e5'],
      ['9223372036854775807', '-1', '5', '42', '42', '1000', '12', '0'],
    ],
    ['booleans', BaseType.BOOLEAN, ['t', 'f', 'true', 'FALSE', '1', '0'], ['true', 'false', 'true', 'false', 'true', 'false']],
    ['doubles', BaseType.DOUBLE, ['0.1', '-0', '1e3', 'NaN', '-Infinity', '.5'], ['0.1', '-0.0', '1000.0', 'nan', '-inf', '0.5']],
    ['dates', BaseType.DATE, ['2020-02-29', 'infinity', '0001-01-01T00:00:00.0'], ['2020-02-29', 'infinity', '0001-01-01']],
    ['times', BaseType.TIME, ['23:59:59.9999990', '00:00', '24:00:00'], ['23:59:59.999999', '00:00:00', '24:00:00']],
    ['datetimes', BaseType.DATETIME, ['2020-01-01T10:00:00', '2020-01-01 10:00:00.5'], ['2020-01-01 10:00:00', '2020-01-01 10:00:00.5']],
    [
      'instants',
      BaseType.DATETIMESTAMP,
      ['2020-01-01T10:00:00Z', '2020-01-01 10:00:00+02', '1890-01-01 10:00:00+00:19:32'],
      ['2020-01-01 10:00:00+00', '2020-01-01 08:00:00+00', '1890-01-01 09:40:28+00'],
    ],
    ['uuids', BaseType.UUID, ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'], ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
    ['JSON as its text', BaseType.JSON, ['{"b": 1,  "a": [null]}', '"NaN,]\\""', '1.0'], ['{"b": 1,  "a": [null]}', '"NaN,]\\""', '1.0']],
    ['bytes', BaseType.BINARY, ['\\xDEad', 'beef', ''], ['dead', 'beef', '']],
  ];

  it.each(readable)('reads %s', async (_, base, texts, expected) => {
    expect((await runColumn(column('value', base), texts)).kept).toEqual(expected);
  });

  const unreadable: [string, BaseType, string[]][] = [
    [
      'integers that the engine would round or guess',
      BaseType.INTEGER,
      ['1.5', '0x1F', '1_000', '15e-1', '1e19', 'e3', '.e1', '1e1000', '9223372036854775808', ' 1', '42.5'],
    ],
    ['booleans of other words', BaseType.BOOLEAN, ['yes', 'on', '2']],
    ['doubles beyond the type', BaseType.DOUBLE, ['1e400', '-1e400', '1_0', '0x1', '1,5']],
    [
      'dates of other forms or eras',
      BaseType.DATE,
      ['2020-1-5', '2020/01/05', '0044-03-15 BC', '2020-02-30', '2020-01-01 10:00:00', '0000-01-01'],
    ],
    ['times with more than microseconds', BaseType.TIME, ['10:00:00.1234567', '25:00:00', '1:00']],
    ['datetimes with a zone', BaseType.DATETIME, ['2020-01-01 10:00:00+02', '2020-01-01', '2020-01-01T10:00:00Z']],
    ['instants without a zone', BaseType.DATETIMESTAMP, ['2020-01-01 10:00:00']],
    ['uuids of other forms', BaseType.UUID, ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', 'A0EEBC999C0B4EF8BB6D6BB9BD380A11']],
    ['broken JSON', BaseType.JSON, ['{', 'NaN', '[1,]', '{"a": -Infinity}', "{'a': 1}"]],
    ['bytes that are not hexadecimal', BaseType.BINARY, ['abc', 'zz', '\\x1']],
  ];

  it.each(unreadable)('does not take %s', async (_, base, texts) => {
    const { kept, counts } = await runColumn(column('value', base, { cast: { policy: CastPolicy.DROP_RECORD } }), texts);
    expect(kept).toEqual([]);
    expect(counts?.dropped).toEqual([{ rule: 'cast:value', count: texts.length }]);
  });

  it('reads decimals exactly and takes no digit away', async () => {
    const money = column('value', BaseType.DECIMAL, {
      type: { base: BaseType.DECIMAL, precision: 38, scale: 2 },
      cast: { policy: CastPolicy.NULL },
    });
    const texts = [
      '123456789012345678901234567890123456.78',
      '1.200',
      '-.5',
      '5.',
      '1.239',
      '1.5e3',
      '1239e-3',
      '1234567890123456789012345678901234567',
    ];
    const { kept, counts } = await runColumn(money, texts);
    expect(kept).toEqual(['123456789012345678901234567890123456.78', '1.20', '-0.50', '5.00', null, '1500.00', null, null]);
    expect(counts?.castFailed).toEqual([{ rule: 'cast:value', count: 3 }]);
  });

  it('replaces what cannot be read and counts it', async () => {
    const { kept, counts } = await runColumn(
      column('value', BaseType.INTEGER, { cast: { policy: CastPolicy.REPLACE_WITH, replacement: '-1' } }),
      ['1', 'x', null],
    );
    expect(kept).toEqual(['1', '-1', null]);
    expect(counts?.castFailed).toEqual([{ rule: 'cast:value', count: 1 }]);
  });

  it('fails by default, naming table, column and count and no value', async () => {
    const failure: unknown = await runColumn(column('value', BaseType.INTEGER), ['1', 'planted-4711', 'x']).catch(
      (reason: unknown) => reason,
    );
    expect(String(failure)).toBe("RunError: Table t, column value: 2 values cannot be read as the column's type (rule cast:value).");
  });

  it('does not fail on a record that an earlier rule drops', async () => {
    const plan = planOf([
      {
        name: 't',
        columns: [
          column('number', BaseType.INTEGER),
          column('text', BaseType.STRING, { empty: { nullMarkers: ['?'], strategy: EmptyStrategy.DROP_RECORD } }),
        ],
      },
    ]);
    const run = await runRules(bench, plan, [
      oneSource('t', [
        ['x', '?'],
        ['1', 'a'],
      ]),
    ]);
    expect(run.rows['t']).toEqual([['1', 'a']]);
  });
});

describe('ranges', () => {
  const ranged = (base: BaseType, range: object) => column('value', base, { range: { strategy: RangeStrategy.DROP_RECORD, ...range } });

  it('drops what is outside of inclusive and exclusive bounds, never NULL', async () => {
    const inclusive = await runColumn(ranged(BaseType.INTEGER, { minimum: '1', maximum: '3' }), ['0', '1', '3', '4', null]);
    expect(inclusive.kept).toEqual(['1', '3', null]);
    expect(inclusive.counts?.dropped).toEqual([{ rule: 'range:value', count: 2 }]);
    const exclusive = await runColumn(ranged(BaseType.DOUBLE, { minExclusive: '1', maxExclusive: '3' }), [
      '1',
      '1.0001',
      '2.9',
      '3',
      'nan',
    ]);
    expect(exclusive.kept).toEqual(['1.0001', '2.9']);
  });

  it('clamps to the nearest value and counts the cells', async () => {
    const clamp = { strategy: RangeStrategy.CLAMP };
    const inclusive = await runColumn(ranged(BaseType.DOUBLE, { ...clamp, minimum: '1.5', maximum: '3' }), ['1', '2', '9', '-inf', null]);
    expect(inclusive.kept).toEqual(['1.5', '2.0', '3.0', '1.5', null]);
    expect(inclusive.counts?.clamped).toEqual([{ rule: 'range:value', count: 3 }]);
    const integers = await runColumn(ranged(BaseType.INTEGER, { ...clamp, minExclusive: '1', maxExclusive: '5' }), [
      '1',
      '2',
      '4',
      '5',
      '99',
    ]);
    expect(integers.kept).toEqual(['2', '2', '4', '4', '4']);
    const days = await runColumn(ranged(BaseType.DATE, { ...clamp, minExclusive: '2020-02-28' }), [
      '1999-01-01',
      '2020-02-28',
      '2021-01-01',
    ]);
    expect(days.kept).toEqual(['2020-02-29', '2020-02-29', '2021-01-01']);
  });

  it('takes the narrower of two bounds of one side', async () => {
    const both = ranged(BaseType.INTEGER, {
      strategy: RangeStrategy.CLAMP,
      minimum: '3',
      minExclusive: '3',
      maximum: '9',
      maxExclusive: '8',
    });
    expect((await runColumn(both, ['1', '3', '5', '9'])).kept).toEqual(['4', '4', '5', '7']);
  });

  it('drops NaN where it would clamp, since no value is nearest to it', async () => {
    const { kept, counts } = await runColumn(ranged(BaseType.DOUBLE, { strategy: RangeStrategy.CLAMP, minimum: '0', maximum: '1' }), [
      'nan',
      '2',
    ]);
    expect(kept).toEqual(['1.0']);
    expect(counts?.dropped).toEqual([{ rule: 'range:value', count: 1 }]);
  });

  it('counts instants by time, not by text', async () => {
    const { kept } = await runColumn(ranged(BaseType.DATETIMESTAMP, { minimum: '2020-01-01T00:00:00Z' }), [
      '2020-01-01 01:00:00+02',
      '2019-12-31 23:30:00-01',
    ]);
    expect(kept).toEqual(['2020-01-01 00:30:00+00']);
  });

  it('refuses bounds and replacements that cannot be read, by table and rule', async () => {
    await expect(runColumn(ranged(BaseType.INTEGER, { minimum: 'low' }), [])).rejects.toThrow(
      'Table t, range:value: The bound cannot be read',
    );
    await expect(
      runColumn(column('value', BaseType.DATE, { cast: { policy: CastPolicy.REPLACE_WITH, replacement: 'never' } }), []),
    ).rejects.toThrow('Table t, cast:value: The replacement cannot be read');
    await expect(
      runColumn(ranged(BaseType.INTEGER, { strategy: RangeStrategy.CLAMP, minExclusive: '1', maxExclusive: '2' }), []),
    ).rejects.toThrow('no value is in the range');
  });
});

describe('rules together', () => {
  it('counts each dropped record under one rule, the first by order of work and then of columns', async () => {
    const rules = {
      empty: { nullMarkers: ['?'], strategy: EmptyStrategy.DROP_RECORD },
      cast: { policy: CastPolicy.DROP_RECORD },
      range: { minimum: '0', strategy: RangeStrategy.DROP_RECORD },
    };
    const plan = planOf([{ name: 't', columns: [column('a', BaseType.INTEGER, rules), column('b', BaseType.INTEGER, rules)] }]);
    const rows = [
      ['?', '?'],
      ['x', '?'],
      ['-1', 'x'],
      ['x', 'x'],
      ['-1', '-1'],
      ['1', '-1'],
      ['1', '1'],
    ];
    const { counts, rows: kept } = await runRules(bench, plan, [oneSource('t', rows)]);
    expect(kept['t']).toEqual([['1', '1']]);
    expect(counts['t']?.dropped).toEqual([
      { rule: 'empty:a', count: 1 },
      { rule: 'empty:b', count: 1 },
      { rule: 'cast:a', count: 1 },
      { rule: 'cast:b', count: 1 },
      { rule: 'range:a', count: 1 },
      { rule: 'range:b', count: 1 },
    ]);
  });

  it('counts replaced and clamped cells of records that stay only', async () => {
    const plan = planOf([
      {
        name: 't',
        columns: [
          column('a', BaseType.INTEGER, {
            empty: { nullMarkers: [], strategy: EmptyStrategy.REPLACE_WITH, replacement: '50' },
            range: { maximum: '9', strategy: RangeStrategy.CLAMP },
          }),
          column('b', BaseType.STRING, { empty: { nullMarkers: [], strategy: EmptyStrategy.DROP_RECORD } }),
        ],
      },
    ]);
    const { rows, counts } = await runRules(bench, plan, [
      oneSource('t', [
        [null, 'x'],
        [null, null],
        ['10', 'y'],
        ['5', 'z'],
      ]),
    ]);
    expect(rows['t']).toEqual([
      ['9', 'x'],
      ['9', 'y'],
      ['5', 'z'],
    ]);
    expect(counts['t']).toMatchObject({ replaced: [{ rule: 'empty:a', count: 1 }], clamped: [{ rule: 'range:a', count: 2 }] });
  });

  it('takes columns with the names of SQL words and of its own scratch', async () => {
    const names = ['select', 'c0', 'file_row_number', 'rank', 'order', 'count'];
    const plan = planOf([{ name: 'table', columns: names.map((name) => column(name)) }]);
    const row = names.map((name) => `${name}'s "value"`);
    expect((await runRules(bench, plan, [oneSource('table', [row])])).rows['table']).toEqual([row]);
  });
});

describe('the stage', () => {
  const plan = planOf([{ name: 't', columns: [column('id', BaseType.INTEGER)] }]);

  it('numbers rows by source, segment and place', async () => {
    const run = await runRules(bench, plan, [
      { table: 't', rank: 2, source: 'b', segments: [[['4']]] },
      { table: 't', rank: 1, source: 'a', segments: [[['1'], ['2']], [], [['3']]] },
    ]);
    expect(run.rows['t']).toEqual([['1'], ['2'], ['3'], ['4']]);
    const path = run.manifest.tables[0]?.segments[0]?.path ?? '';
    const { rows } = await bench.engine.sql(
      `SELECT row_id >> 49, (row_id >> 29) & 1048575, row_id & 536870911 FROM '${join(run.directory, path)}' ORDER BY row_id`,
    );
    expect(rows).toEqual([
      ['1', '0', '0'],
      ['1', '0', '1'],
    ]);
    expect(run.progress.at(-1)).toEqual({ table: 't', rowCount: 4, totalRowCount: 4 });
    expect(run.counts['t']?.read.map((source) => source.rowCount)).toEqual([3, 1]);
  });

  it('keeps the order of a large segment, whose places are the ordinals', async () => {
    const rows = Array.from({ length: 300_000 }, (_, index) => [String(index)]);
    const run = await runRules(bench, plan, [oneSource('t', rows)]);
    const path = run.manifest.tables[0]?.segments[0]?.path ?? '';
    const { rows: wrong } = await bench.engine.sql(`SELECT count(*) FROM '${join(run.directory, path)}' WHERE (row_id & 536870911) <> id`);
    expect(wrong).toEqual([['0']]);
  });

  it('gives the same files again, replaces what an earlier try left, and leaves no scratch', async () => {
    const run = await runRules(bench, plan, [oneSource('t', [['1'], ['2']])]);
    const again = await applyRules(contextOf(bench, run.directory, plan));
    expect(again).toEqual(run.manifest);
    expect((await readdir(run.directory)).toSorted()).toEqual(['extract', 'rules']);
    expect((await readManifest(run.directory, 'rules')).manifest).toEqual(again);
  });

  it('fails where a segment has other rows than extraction counted', async () => {
    const directory = await bench.folder();
    await writeExtract(directory, 'plan-hash', [oneSource('t', [['1'], ['2']])]);
    const path = join(directory, 'extract/t-1-0.csv');
    await writeFile(path, `${await readFile(path, 'utf8')}"3"\n`);
    await expect(applyRules(contextOf(bench, directory, plan))).rejects.toThrow(
      'Table t, source 1, segment 0: 2 rows were extracted, 3 were read.',
    );
  });

  it('fails where extraction wrote a table that the plan does not have', async () => {
    await expect(runRules(bench, plan, [oneSource('other', [])])).rejects.toThrow('table other');
  });

  it('makes an empty table of no sources', async () => {
    const run = await runRules(bench, plan, []);
    expect(run.manifest.tables).toMatchObject([{ table: 't', segments: [] }]);
  });

  it('stops where its signal says so', async () => {
    const directory = await bench.folder();
    await writeExtract(directory, 'plan-hash', [oneSource('t', [['1']])]);
    const context = { ...contextOf(bench, directory, plan), signal: AbortSignal.abort(new Error('paused')) };
    await expect(applyRules(context)).rejects.toThrow('paused');
  });
});
