import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonCutter } from './json-cutter.ts';
import { findInRow, pointerParts, readRow } from './json-text.ts';
import { arrayRows, lineRows } from './json-rows.ts';
import type { RowMaker } from './csv-rows.ts';
import { Tally } from './tally.ts';

const object = 'The file x';
const sourceOf = (columns: string[], needsMembers = false) => {
  const tally = new Tally(object);
  return { object, columns: columns.map((source) => ({ name: source, source })), needsMembers, tally };
};

/** All rows of a text in chunks of a size; the tally is asked at the end. */
const readAll = (maker: RowMaker, tally: Tally, text: string, size = text.length || 1): (string | null)[][] => {
  const rows: (string | null)[][] = [];
  for (let at = 0; at < text.length; at += size) rows.push(...maker.feed(text.slice(at, at + size), false));
  rows.push(...maker.feed('', true));
  tally.assertNone();
  return rows;
};

const lines = (text: string, columns: string[], size?: number): (string | null)[][] => {
  const source = sourceOf(columns);
  return readAll(lineRows(source), source.tally, text, size);
};

const array = (text: string, columns: string[], { pointer = '', isPage = false, needsMembers = false, size = text.length || 1 } = {}) => {
  const source = sourceOf(columns, needsMembers);
  return readAll(arrayRows(source, { pointer, isPage }), source.tally, text, size);
};

describe('rows of JSON', () => {
  it('keep every value as JSON.parse reads it, whatever its keys are called', () => {
    const key = fc.constantFrom('a', '__proto__', 'constructor', 'toString', 'digits', 'a/b', '~', '', 'é"');
    const members = fc.uniqueArray(fc.tuple(key, fc.jsonValue()), { selector: ([name]) => name });
    fc.assert(
      fc.property(members, fc.constantFrom(undefined, 1), (given, indent) => {
        const text = `{${given.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value, undefined, indent)}`).join(' , ')}}`;
        const row = readRow(text);
        for (const [name, value] of given) {
          const found = row && findInRow(row, [name]);
          const expected = typeof value === 'string' || value === null ? value : JSON.stringify(value, undefined, indent);
          expect(found).toEqual({
            kind: 'value',
            value: expected,
            type: value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value,
          });
        }
        expect(row && findInRow(row, ['hasOwnProperty'])).toEqual({ kind: 'missing' });
      }),
    );
  });

  it('are JSON exactly where JSON.parse says so', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u00e9"',
      '"\\x"',
      '"\n"',
      '1',
      '-0.5e3',
      '01',
      '1.',
      'true',
      'nul',
      'NaN',
      ' ',
      '"',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
        const text = tokens.join('');
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (isJson) expect(() => readRow(text)).not.toThrow();
        else expect(() => readRow(text)).toThrow('not JSON');
      }),
      { numRuns: 5000 },
    );
  });

  it('keep numbers to the digit, and take no object for a number', () => {
    expect(lines('{"n":12345678901234567890.10,"o":{"digits":"1"},"e":-1E+400}', ['n', 'o', 'e'])).toEqual([
      ['12345678901234567890.10', '{"digits":"1"}', '-1E+400'],
    ]);
  });

  it('have the members that are their own', () => {
    expect(lines('{"constructor":"a","__proto__":"b"}\n{}\n', ['constructor', '__proto__'])).toEqual([
      ['a', 'b'],
      [null, null],
    ]);
  });

  it('are found by pointers, in objects and in arrays; below null there is null', () => {
    expect(lines('{"a":{"b/c":[1,{"d":2}]}}\n{"a":null}', ['/a/b~1c/1/d'])).toEqual([['2'], [null]]);
    expect(lines('[1,"x"]\n', ['/1', '/0'])).toEqual([['x', '1']]);
  });

  it('end with LF, CR LF or CR in chunks of every size, and with nothing else', () => {
    const text = '{"a":1}\n{"a":2}\r\n\r\n{"a":"3\u2028"}\r{"a":4}';
    for (let size = 1; size <= text.length; size += 1) expect(lines(text, ['a'], size)).toEqual([['1'], ['2'], ['3\u2028'], ['4']]);
  });

  const refused: [name: string, text: string, columns: string[], message: string, facts: object][] = [
    ['a line that is not JSON', '{"a":1}\n{"a":NaN}', ['a'], 'JSON_INVALID', { line: 2 }],
    ['a line that is no object', '{"a":1}\n\n3', ['a'], 'JSON_ROW_NOT_OBJECT', { line: 3 }],
    ['an array where columns have names', '["x"]', ['a'], 'JSON_ROW_NOT_OBJECT', { line: 1 }],
    ['a member that stands twice and is read', '{"a":1,"b":2,"b":3}', ['b'], 'JSON_MEMBER_TWICE', { line: 1, column: 'b' }],
    ['a NUL', '{"a":"x"}\n{"a":"\\u0000"}\n{"a":"y\\u0000"}', ['a'], 'TEXT_CHARACTER_REFUSED', { line: 2, column: 'a', count: 2 }],
    ['half a character', '{"a":"\\ud83d"}', ['a'], 'TEXT_CHARACTER_REFUSED', { line: 1, column: 'a', count: 1 }],
  ];

  it.each(refused)('refuse %s by line', (_, text, columns, message, facts) => {
    expect(() => lines(text, columns)).toThrow(expect.objectContaining({ message, facts: expect.objectContaining(facts) }));
  });

  it('take a member twice that is not read', () => {
    expect(lines('{"a":1,"b":2,"b":3}', ['a'])).toEqual([['1']]);
  });
});

describe('rows of an array', () => {
  it('are cut out of any JSON text at any pointer, in chunks of every size', () => {
    const key = fc.constantFrom('a', 'items', 'x"y', '[', '{', 'a/b', '~');
    const body = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constant(null),
        fc.string(),
        fc.dictionary(key, tie('value'), { maxKeys: 3 }),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    })).value;
    const rows = fc.array(fc.record({ id: fc.integer(), s: fc.string() }), { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(key, { maxLength: 3 }),
        rows,
        fc.dictionary(key, body),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(undefined, 2),
        (path, wanted, beside, size, indent) => {
          let value: unknown = wanted;
          for (const part of path.toReversed()) value = { ...beside, [part]: value };
          const text = JSON.stringify(value, undefined, indent);
          const pointer = path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
          expect(array(text, ['id', 's'], { pointer, size })).toEqual(wanted.map(({ id, s }) => [Object.is(id, -0) ? '0' : String(id), s]));
          expect(pointerParts(pointer)).toEqual(path);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are counted and named: a missing member is refused where it must be there', () => {
    const text = '{"items":[{"a":1},{},{}]}';
    expect(array(text, ['a'], { pointer: '/items', isPage: true })).toEqual([['1'], [null], [null]]);
    expect(() => array(text, ['a'], { pointer: '/items', isPage: true, needsMembers: true })).toThrow(
      expect.objectContaining({
        message: 'JSON_MEMBER_MISSING',
        facts: expect.objectContaining({ column: 'a', count: 2, place: 'row 2' }),
      }),
    );
  });

  it('are none where a page has null in their place, which a file may not', () => {
    expect(array('{"items":null}', ['a'], { pointer: '/items', isPage: true })).toEqual([]);
    expect(array('null', ['a'], { isPage: true })).toEqual([]);
    expect(() => array('null', ['a'])).toThrow('JSON_ROWS_MISSING');
    expect(() => array('{"items":{}}', ['a'], { pointer: '/items', isPage: true })).toThrow('JSON_ROWS_MISSING');
  });

  it.each(['[{"a":1},]', '[,{"a":1}]', '[{"a":1}', '[{"a":1}}', '[] []', '[{"a":1} {"a":2}]', '[NaN]', '[{"a":1}],', ''])(
    'are refused in %s',
    (text) => {
      expect(() => array(text, ['a'])).toThrow('JSON_INVALID');
    },
  );

  it('are bounded one by one', () => {
    const cutter = new JsonCutter([], 100);
    expect(() => cutter.feed(`[{"a":"${'x'.repeat(200)}`)).toThrow('too long');
  });
});
