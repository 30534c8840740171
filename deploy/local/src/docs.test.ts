import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '@lethe/servers/repository';

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const pages = globSync(['docs/*.md', 'services/*/README.md', 'README.md', 'CONTRIBUTING.md'], { cwd: ROOT });

/** `file.ts`: "test", "test" */
const citations = [
  ...read('docs/specification.md')
    .concat(read('docs/guarantees.md'))
    .matchAll(/`([\w./-]+\.ts)`: ((?:"[^"]+"(?:, )?)+)/g),
].flatMap(([, file = '', names = '']) => [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => [file, name] as const));

test('the specification cites tests', () => {
  expect(citations.length).toBeGreaterThan(100);
});

test.each([...new Map(citations.map((citation) => [citation.join(), citation])).values()])('%s has the test "%s"', (file, name) => {
  expect(read(file)).toContain(name.replace(/ …$/, ''));
});

test('no cell of the specification is empty', () => {
  const rows = read('docs/specification.md')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  for (const row of rows) expect(row.split('|').slice(1, -1)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/\S/)));
});

describe('files that the pages name', () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/`((?:docs|libs|services|deploy|e2e|examples|bench|proto)\/[\w./-]+\.(?:md|ts|mjs|proto))`/g)].map(
      ([, file = '']) => [page, file],
    ),
  );
  test.each(named)('%s names %s, which is there', (_page, file) => {
    expect(existsSync(join(ROOT, file ?? ''))).toBe(true);
  });
});
