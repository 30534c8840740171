import { expect, test } from 'vitest';
import { RunErrorReason } from '../gen/lethe/data/v1/run_error_reason.ts';
import { RUN_ERRORS } from '../gen/lethe/data/v1/run_errors.ts';
import { runErrorPage } from './run-error-page.ts';

test('docs/run-errors.md is the catalogue of the proto file', async () => {
  await expect(runErrorPage()).toMatchFileSnapshot('../../../docs/run-errors.md');
});

test('each reason has a meaning, a sentence and an advice on the page', () => {
  const rows = runErrorPage()
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1));
  expect(rows).toHaveLength(Object.keys(RunErrorReason).length - 1);
  for (const cells of rows) expect(cells).toEqual(Array.from({ length: 5 }, () => expect.stringMatching(/[^\s`]/)));
});

test('the constants hold each reason of the enum', () => {
  expect(Object.keys(RUN_ERRORS)).toEqual(Object.keys(RunErrorReason).filter((reason) => reason !== 'UNSPECIFIED'));
});
