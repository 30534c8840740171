import { describe, expect, test } from 'vitest';
import { classifyChange, nextVersion } from './version.ts';
import { versionedName } from './published-document.ts';

const table = (name: string, contentHash: string, schemaHash = 's') => ({ table: name, contentHash, schemaHash, rowCount: 1n });

describe('versions by content', () => {
  test('the first version is 1.0.0', () => {
    expect(nextVersion(undefined, 'major')).toBe('1.0.0');
    expect(nextVersion('', 'patch')).toBe('1.0.0');
  });
  test('the same content is a patch, additions are minor, everything else is major', () => {
    expect(classifyChange([table('a', '1')], [table('a', '1')], {})).toBe('patch');
    expect(classifyChange([table('a', '1')], [table('a', '2')], { a: true })).toBe('minor');
    expect(classifyChange([table('a', '1')], [table('a', '1'), table('b', '1')], {})).toBe('minor');
    expect(classifyChange([table('a', '1')], [table('a', '2')], { a: false })).toBe('major');
    expect(classifyChange([table('a', '1')], [table('a', '2')], {})).toBe('major');
    expect(classifyChange([table('a', '1')], [table('a', '1', 'other')], { a: true })).toBe('major');
    expect(classifyChange([table('a', '1')], [], {})).toBe('major');
    expect(nextVersion('1.2.3', 'minor')).toBe('1.3.0');
  });
});

test('names of versions stay within 63 bytes and differ where their tables do', () => {
  expect(versionedName('person', '1.0.0')).toBe('person__1_0_0');
  const [first, second] = [versionedName(`${'x'.repeat(62)}a`, '1.0.0'), versionedName(`${'x'.repeat(62)}b`, '1.0.0')];
  expect(Buffer.byteLength(first)).toBeLessThanOrEqual(63);
  expect(first).not.toBe(second);
});
