import { expect, test } from 'vitest';
import { errorPage } from './error-page.ts';
import { allReasons } from './registry.ts';

test('docs/errors.md is the catalogue of the proto files', async () => {
  await expect(errorPage()).toMatchFileSnapshot('../../../docs/errors.md');
});

test('each reason has a code, a meaning and an advice on the page', () => {
  const rows = errorPage()
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  expect(rows).toHaveLength(allReasons().length);
  for (const cells of rows) expect(cells).toEqual([expect.any(String), ...Array.from({ length: 3 }, () => expect.stringMatching(/\S/))]);
});
