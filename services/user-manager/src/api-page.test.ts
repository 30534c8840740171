import { permissions } from '@lethe/contracts/registry';
import { expect, test } from 'vitest';
import { apiPage, HOLDERS, INNER_PERMISSIONS } from './api-page.ts';

test('docs/api.md has the RPCs and permissions as they are', async () => {
  await expect(apiPage()).toMatchFileSnapshot('../../../docs/api.md');
});

test('no permission is given that no method asks for', () => {
  const known = new Set([...permissions(), ...INNER_PERMISSIONS]);
  expect(HOLDERS.flatMap(([, held]) => held).filter((permission) => !known.has(permission))).toEqual([]);
});

test('each RPC says what it does', () => {
  const rows = apiPage()
    .split('\n')
    .filter((line) => /^\| `[A-Z]/.test(line));
  expect(rows.length).toBeGreaterThan(60);
  for (const row of rows) expect(row.split('|')[2]?.trim()).toMatch(/\S.{10}/);
});
