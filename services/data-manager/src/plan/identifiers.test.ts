import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteIdentifier, quoteList, quoteLiteral, quoteNames } from './identifiers.ts';

describe('quoting', () => {
  it('leaves no quote by which a text could end early', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        fc.pre(!text.includes('\0'));
        expect(quoteLiteral(text).slice(1, -1).replaceAll("''", '').includes("'")).toBe(false);
        expect(quoteIdentifier(text).slice(1, -1).replaceAll('""', '').includes('"')).toBe(false);
        expect(quoteLiteral(text).slice(1, -1).replaceAll("''", "'")).toBe(text);
      }),
    );
  });

  it('refuses a zero byte and an empty name', () => {
    expect(() => quoteLiteral('a\0')).toThrow('zero byte');
    expect(() => quoteIdentifier('a\0')).toThrow('zero byte');
    expect(() => quoteIdentifier('')).toThrow('must not be empty');
  });

  it('lists values and names', () => {
    expect(quoteList(['a', "b'"])).toBe("['a', 'b''']");
    expect(quoteNames(['a', 'b"'])).toBe('"a", "b"""');
    expect(quoteNames(['a', 'b'], 't')).toBe('t."a", t."b"');
  });
});
