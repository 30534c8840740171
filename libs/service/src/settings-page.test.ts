import { ROOT } from '@lethe/servers/repository';
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const PAGE = readFileSync(`${ROOT}/docs/operations.md`, 'utf8');
const read = (file: string): string => readFileSync(`${ROOT}/${file}`, 'utf8');

const settings = [
  ...new Set(
    globSync(['libs/*/src/*.ts', 'services/*/src/**/*.ts', 'deploy/local/src/*.ts'], { cwd: ROOT })
      .filter((file) => !file.endsWith('.test.ts'))
      .flatMap((file) => [...read(file).matchAll(/(?:env\.\w+\(|env\[)'((?:LETHE|OTEL|TEST)_\w+)'/g)].map(([, name]) => name ?? '')),
  ),
].toSorted();

test('the settings are found in the code', () => {
  expect(settings).toContain('LETHE_DATABASE_URL');
  expect(settings).toContain('LETHE_RETENTION_MS');
});

test.each(settings)('docs/operations.md says what %s is', (name) => {
  expect(PAGE).toContain(`\`${name}\``);
});
