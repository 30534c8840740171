// How sources write values: formats, the empty text, normal forms.
import { EmptyStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { CastPolicy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Normalization } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { column, oneSource, openBench, planOf, runRules, type Bench } from '../../../test/support/run-fixture.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

type Format = { pattern?: string; decimalChar?: string; groupChar?: string };

/** What becomes of texts: a value, or null where the cast failed. */
const read = async (base: BaseType, format: Format, texts: string[], more: Parameters<typeof column>[2] = {}) => {
  const type = { base, format, ...(base === BaseType.DECIMAL ? { scale: 4 } : {}) };
  const value = column('value', base, { type, cast: { policy: CastPolicy.NULL }, ...more });
  const made = await runRules(bench, planOf([{ name: 't', columns: [value] }]), [
    oneSource(
      't',
      texts.map((text) => [text]),
    ),
  ]);
  return { values: (made.rows['t'] ?? []).map(([cell]) => cell), counts: made.counts['t'] };
};

const LOCAL = { decimalChar: ',', groupChar: '.' };

describe('a declared format', () => {
  const cases: [name: string, base: BaseType, format: Format, texts: string[], values: (string | null)[]][] = [
    [
      'of dates',
      BaseType.DATE,
      { pattern: 'd/M/yyyy' },
      ['31/12/1999', '1/2/2003', '1999-12-31', '30/2/2000'],
      ['1999-12-31', '2003-02-01', null, null],
    ],
    ['of dates without separators', BaseType.DATE, { pattern: 'yyyyMMdd' }, ['20240229', '2024-02-29'], ['2024-02-29', null]],
    [
      'of dates at midnight',
      BaseType.DATE,
      { pattern: 'dd.MM.yyyy HH:mm' },
      ['31.12.1999 00:00', '31.12.1999 10:00'],
      ['1999-12-31', null],
    ],
    ['of times', BaseType.TIME, { pattern: 'HHmmss' }, ['235959', '23:59:59'], ['23:59:59', null]],
    [
      'of datetimes',
      BaseType.DATETIME,
      { pattern: 'dd/MM/yyyy HH:mm:ss.SSS' },
      ['31/12/1999 23:59:59.5', '31/12/1999 23:59:59'],
      ['1999-12-31 23:59:59.5', '1999-12-31 23:59:59'],
    ],
    [
      'of instants',
      BaseType.DATETIMESTAMP,
      { pattern: 'yyyyMMddTHHmmssX' },
      ['19991231T235959+0100', '19991231T235959Z'],
      ['1999-12-31 22:59:59+00', '1999-12-31 23:59:59+00'],
    ],
    [
      'of decimals',
      BaseType.DECIMAL,
      LOCAL,
      ['1.234,56', '-1234,5', '0,50', '1.23', '12.34,5', '1,2,3', '1234.5'],
      ['1234.5600', '-1234.5000', '0.5000', null, null, null, null],
    ],
    ['of decimals with a pattern', BaseType.DECIMAL, { pattern: '#,##0.00' }, ['1,234.50', '1.5', '1,234'], ['1234.5000', null, null]],
    [
      'of decimals with groups by a narrow blank',
      BaseType.DECIMAL,
      { decimalChar: ',', groupChar: '\u202f' },
      ['1\u202f234,5'],
      ['1234.5000'],
    ],
    ['of integers', BaseType.INTEGER, { pattern: '#,##0' }, ['1,234', '7', '1234.5'], ['1234', '7', null]],
    ['of doubles', BaseType.DOUBLE, { decimalChar: ',' }, ['1,5e3', '1.5'], ['1500.0', null]],
    ['of booleans', BaseType.BOOLEAN, { pattern: 'J|N' }, ['J', 'N', 'j', 'true'], ['true', 'false', null, null]],
  ];

  it.each(cases)('%s is read exactly, and what is not in it fails the cast', async (_, base, format, texts, values) => {
    const found = await read(base, format, texts);
    expect(found.values).toEqual(values);
    expect(found.counts?.castFailed).toEqual([{ rule: 'cast:value', count: values.filter((value) => value === null).length }]);
  });

  it('is looked at after null markers, and not for the replacement, which is in the canonical form', async () => {
    const empty = { empty: { nullMarkers: ['-'], strategy: EmptyStrategy.REPLACE_WITH, replacement: '1970-01-01' } };
    expect((await read(BaseType.DATE, { pattern: 'dd/MM/yyyy' }, ['-', '31/12/1999'], empty)).values).toEqual(['1970-01-01', '1999-12-31']);
  });
});

describe('the empty text', () => {
  const empty = { empty: { strategy: EmptyStrategy.REPLACE_WITH, replacement: '7' } };

  it('is an empty value of every type that has no such value', async () => {
    const found = await read(BaseType.INTEGER, { pattern: '0' }, ['', '1'], empty);
    expect(found.values).toEqual(['7', '1']);
    expect(found.counts?.replaced).toEqual([{ rule: 'empty:value', count: 1 }]);
  });

  it('is a value of a text unless the column says that it is empty', async () => {
    const type = { type: { base: BaseType.STRING }, trim: true, ...empty };
    expect((await read(BaseType.STRING, {}, [' ', 'a'], type)).values).toEqual(['', 'a']);
    expect((await read(BaseType.STRING, {}, [' ', 'a'], { ...type, emptyIsNull: true })).values).toEqual(['7', 'a']);
  });
});

it('null markers are compared in the normal form that the column declares', async () => {
  const more = {
    type: { base: BaseType.STRING },
    normalize: Normalization.NFC,
    empty: { nullMarkers: ['\u00e9'], strategy: EmptyStrategy.IGNORE },
  };
  expect((await read(BaseType.STRING, {}, ['e\u0301', 'e'], more)).values).toEqual([null, 'e']);
});
