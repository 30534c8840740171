// The checks of field cases: a case that says something else than what is right must not pass.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCase, readCase, type Expectation } from './field-case.ts';
import { judge, type Outcome } from './field-judge.ts';

const uploaded: Outcome = {
  at: 'uploaded',
  tables: {
    t: {
      outbox: [
        [1, 'a'],
        [2, null],
        [2, null],
      ],
      target: [
        ['2', null],
        ['1', 'a'],
        ['2', null],
      ],
    },
  },
  reports: { t: { read: 4, suppressed: 0, stored: 3, dropped: { 'range:v': 1 } } },
  version: '1.0.0',
  hashes: { t: 'a1' },
  recollected: { t: 'a1' },
  requests: 2,
};
const refused: Outcome = { at: 'run', reason: 'COLUMN_MISSING', text: 'The file input.csv has no column note.', requests: 0 };

const ROWS = [
  [1, 'a'],
  [2, null],
  [2, null],
];

it.each<[string, Expectation, Outcome]>([
  [
    'rows in any order',
    {
      uploaded: {
        t: [
          [2, null],
          [1, 'a'],
          [2, null],
        ],
      },
    },
    uploaded,
  ],
  ['how many rows there are', { uploaded: { t: 3 } }, uploaded],
  [
    'all else of an upload',
    {
      uploaded: { t: ROWS },
      report: { t: { read: 4, dropped: { 'range:v': 1 } } },
      version: '1.0.0',
      recollect: true,
      requests: 2,
    },
    uploaded,
  ],
  ['a refusal', { refusedAt: 'run', reason: 'COLUMN_MISSING', says: ['Input.csv', '/no column \\w+/'], neverSays: ['line'] }, refused],
])('a case holds that expects %s', (_, wanted, found) => {
  expect(judge(wanted, found)).toEqual([]);
});

it.each<[string, Expectation, Outcome, RegExp[]]>([
  [
    'a row that is not there',
    { uploaded: { t: [...ROWS, [3, 'c']] } },
    uploaded,
    [/Outbox: no row \[3,"c"\]/, /target: no row \["3","c"\]/],
  ],
  ['one row less', { uploaded: { t: ROWS.slice(1) } }, uploaded, [/Outbox: a row \[1,"a"\]/, /target: a row/]],
  ['a row once that is there twice', { uploaded: { t: ROWS.slice(0, 2) } }, uploaded, [/Outbox: a row \[2,null\]/, /target: a row/]],
  [
    'a text for a number',
    {
      uploaded: {
        t: [
          ['1', 'a'],
          [2, null],
          [2, null],
        ],
      },
    },
    uploaded,
    [/Outbox: no row \["1","a"\]/, /a row \[1,"a"\]/],
  ],
  [
    'an empty text for NULL',
    {
      uploaded: {
        t: [
          [1, 'a'],
          [2, ''],
          [2, null],
        ],
      },
    },
    uploaded,
    [/Outbox: no/, /Outbox: a/, /target: no/, /target: a/],
  ],
  [
    'rows that the target alone lacks',
    { uploaded: { t: ROWS } },
    { ...uploaded, tables: { t: { outbox: ROWS, target: [] } } },
    [/target/, /target/, /target/],
  ],
  ['another number of rows', { uploaded: { t: 2 } }, uploaded, [/Outbox: 3 rows, not 2/, /target: 3 rows, not 2/]],
  ['a table that is not there', { uploaded: { t: 3, u: 0 } }, uploaded, [/table u is missing/]],
  ['one table less', { uploaded: {} }, uploaded, [/table t is not expected/]],
  ['another count of rows', { uploaded: { t: 3 }, report: { t: { read: 3 } } }, uploaded, [/read is 4, not 3/]],
  ['a count of another rule', { uploaded: { t: 3 }, report: { t: { dropped: { 'range:w': 1 } } } }, uploaded, [/dropped is/]],
  ['one rule less', { uploaded: { t: 3 }, report: { t: { dropped: {} } } }, uploaded, [/dropped is/]],
  ['a report of another table', { uploaded: { t: 3 }, report: { u: { read: 4 } } }, uploaded, [/report of u/]],
  ['another version', { uploaded: { t: 3 }, version: '1.1.0' }, uploaded, [/version 1\.0\.0, not 1\.1\.0/]],
  ['the same content again', { uploaded: { t: 3 }, recollect: true }, { ...uploaded, recollected: { t: 'b2' } }, [/collected again/]],
  ['another number of requests', { uploaded: { t: 3 }, requests: 1 }, uploaded, [/2 requests, not 1/]],
  ['an upload that is refused', { uploaded: { t: 3 } }, refused, [/refused at run: COLUMN_MISSING: The file/]],
  ['a refusal that does not come', { refusedAt: 'run', reason: 'COLUMN_MISSING', says: ['note'] }, uploaded, [/uploaded, not refused/]],
  ['a refusal at another stage', { refusedAt: 'create', reason: 'COLUMN_MISSING', says: ['note'] }, refused, [/at run, not at create/]],
  ['another reason', { refusedAt: 'run', reason: 'TABLE_MISSING', says: ['note'] }, refused, [/reason COLUMN_MISSING, not/]],
  ['a word that is not said', { refusedAt: 'run', reason: 'COLUMN_MISSING', says: ['note', 'line 2'] }, refused, [/"line 2" is not said/]],
  ['a pattern that is not said', { refusedAt: 'run', reason: 'COLUMN_MISSING', says: ['/column \\d/'] }, refused, [/is not said/]],
  [
    'that a word is not said',
    { refusedAt: 'run', reason: 'COLUMN_MISSING', says: ['note'], neverSays: ['INPUT'] },
    refused,
    [/"INPUT" is said/],
  ],
  [
    'a refusal without a cause',
    { refusedAt: 'run', reason: 'ENGINE_FAILED', says: ['note'] },
    { ...refused, reason: 'ENGINE_FAILED', text: 'note: code 22021' },
    [/no cause/],
  ],
])('a case fails that expects %s', (_, wanted, found, problems) => {
  expect(judge(wanted, found)).toEqual(problems.map((problem) => expect.stringMatching(problem)));
});

describe('a case is read', () => {
  const right = {
    why: 'a reason',
    document: { tables: [{ name: 't', columns: [{ name: 'id', datatype: { base: 'integer' } }] }], protocol: [] },
    expect: { uploaded: { t: 0 } },
  };
  const parse = (change: object) => parseCase({ ...right, ...change }, '/cases/some');

  it('with the members that its document may leave out', () => {
    const [table] = parse({}).document.tables;
    expect(table).toMatchObject({ privacy: 'none', columns: [{ name: 'id', role: 'insensitive' }] });
    expect(parse({}).document['upload']).toEqual([{ table: 't', connection: '$target', mode: 'versioned', target: 't' }]);
  });

  it.each<[string, object, RegExp]>([
    ['a key that is not known', { filse: ['a.csv'] }, /filse/],
    ['an expectation that is not known', { expect: { uploaded: { t: 0 }, verison: '1.0.0' } }, /verison/],
    ['an expectation of nothing', { expect: {} }, /uploaded/],
    ['an upload and a refusal', { expect: { uploaded: { t: 0 }, refusedAt: 'run', reason: 'A', says: ['a'] } }, /refusedAt/],
    ['a stage that is not known', { expect: { refusedAt: 'upload?', reason: 'A', says: ['a'] } }, /refusedAt/],
    ['a refusal that says nothing', { expect: { refusedAt: 'run', reason: 'A', says: [] } }, /says/],
    ['a count that is not known', { expect: { uploaded: { t: 0 }, report: { t: { droped: {} } } } }, /droped/],
    ['an edit that is not known', { edits: [{ table: 't', add: {}, remove: { id: 1 } }] }, /remove/],
  ])('unless it has %s', (_, change, problem) => {
    expect(() => parse(change)).toThrow(problem);
  });

  it('unless its folder has a file that it does not name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-case-'));
    try {
      writeFileSync(join(folder, 'case.json'), JSON.stringify(right));
      expect(readCase(folder).files).toEqual([]);
      writeFileSync(join(folder, 'input.csv'), 'id');
      expect(() => readCase(folder)).toThrow('does not name input.csv');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
