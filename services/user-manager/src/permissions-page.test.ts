import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { permissions } from '@lethe/contracts/registry';
import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { permissionsOf, permissionsOfEverybody } from './domain/permissions.ts';

const PAGE = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');
// Checked of a member inside the services; no method's policy names them.
const INNER = ['audit.group', 'connection.use'];
const HOLDERS: readonly string[][] = [
  permissionsOfEverybody(false),
  permissionsOf(Role.GUEST, []),
  permissionsOf(Role.DEVELOPER, []),
  permissionsOf(Role.MAINTAINER, []),
  permissionsOf(Role.OWNER, []),
  permissionsOf(Role.GUEST, [Duty.TASK_EDITOR]),
  permissionsOf(Role.GUEST, [Duty.TASK_MANAGER]),
  permissionsOf(Role.GUEST, [Duty.DATA_MANAGER]),
];

const rowOf = (permission: string): string =>
  `| \`${permission}\` | ${HOLDERS.map((held) => (held.includes(permission) ? '✓' : '·')).join(' | ')} |`;

test.each([...permissions(), ...INNER].toSorted())('docs/security.md says who holds %s', (permission) => {
  expect(PAGE).toContain(rowOf(permission));
});

test('no permission is given that no method asks for', () => {
  const known = new Set([...permissions(), ...INNER]);
  expect(HOLDERS.flat().filter((permission) => !known.has(permission))).toEqual([]);
});
