import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodingOf, openDecoder } from './decode.ts';

const decodeAll = (bytes: Buffer, label: string, size: number): { text: string; invalid: boolean } => {
  const decoder = openDecoder(encodingOf(label) ?? '');
  let text = '';
  for (let at = 0; at < bytes.length; at += size) {
    const decoded = decoder.decode(bytes.subarray(at, at + size), false);
    text += decoded.text;
    if (decoded.invalid) return { text, invalid: true };
  }
  const last = decoder.decode(Buffer.alloc(0), true);
  return { text: text + last.text, invalid: last.invalid };
};

it('UTF-8 comes out as it was written, in chunks of every size, without a byte order mark', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 7 }), fc.boolean(), (text, size, hasMark) => {
      const bytes = Buffer.from(`${hasMark ? '\uFEFF' : ''}${text.replace(/^\uFEFF+/, '')}`);
      expect(decodeAll(bytes, 'utf-8', size)).toEqual({ text: text.replace(/^\uFEFF+/, ''), invalid: false });
    }),
  );
});

it('bytes that are no UTF-8 are found after all the text before them', () => {
  const wrong = fc.constantFrom([0xff], [0xc3, 0x28], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc0, 0x80]);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), wrong, fc.integer({ min: 1, max: 7 }), (text, bytes, size) => {
      expect(decodeAll(Buffer.concat([Buffer.from(text), Buffer.from(bytes)]), 'utf-8', size)).toEqual({
        text: text.replace(/^\uFEFF/, ''),
        invalid: true,
      });
    }),
  );
});

it.each([
  ['iso-8859-1', [0xe5, 0x80], 'å€'],
  ['windows-1252', [0x93, 0x94], '“”'],
  ['utf-16le', [0xff, 0xfe, 0x41, 0x00, 0x3d, 0xd8, 0x00, 0xde], 'A😀'],
  ['utf-16be', [0xfe, 0xff, 0x00, 0x41, 0xd8, 0x3d, 0xde, 0x00], 'A😀'],
  ['shift_jis', [0x82, 0xa0, 0x0a], 'あ\n'],
  ['gb18030', [0xc4, 0xe3], '你'],
])('%s is decoded by its label, in chunks of every size', (label, bytes, text) => {
  for (let size = 1; size <= bytes.length; size += 1) expect(decodeAll(Buffer.from(bytes), label, size)).toEqual({ text, invalid: false });
});

it('half a character of UTF-16 is invalid, after the lines before it', () => {
  expect(decodeAll(Buffer.from([0x61, 0x00, 0x0a, 0x00, 0x3d, 0xd8, 0x41, 0x00]), 'utf-16le', 100)).toEqual({ text: 'a\n', invalid: true });
});

it('a label that the standard does not have is none', () => {
  expect([encodingOf(''), encodingOf('Latin1'), encodingOf('ebcdic')]).toEqual(['utf-8', 'windows-1252', undefined]);
});
