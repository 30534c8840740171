// The one table that says who may do what.
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';

/** Every authenticated user, without any group. Ownership of a connection is checked where the connection is. */
const EVERYBODY = [
  'user.read',
  'group.list',
  'member.remove',
  'access.list',
  'access.request',
  'access.check',
  'access.approve',
  'access.revoke',
  'token.create',
  'token.list',
  'token.revoke',
  'notification.list',
  'notification.ack',
  'connection.list',
  'audit.list',
  'audit.read',
];

const MEMBER = [
  'group.read',
  'member.list',
  'script.read',
  'script.list',
  'connection.read',
  'module.read',
  'module.list',
  'task.read',
  'task.list',
  'run.read',
  'run.list',
];

const BY_DUTY: Partial<Record<Duty, string[]>> = {
  [Duty.TASK_EDITOR]: [
    'script.create',
    'script.update',
    'script.release',
    'script.test',
    'connection.create',
    'connection.update',
    'connection.test',
    'connection.use',
    'module.create',
    'module.update',
    'task.create',
    'task.update',
    'task.release',
  ],
  [Duty.TASK_MANAGER]: ['run.start', 'run.pause', 'run.resume', 'run.stop', 'entry.list', 'entry.read'],
  [Duty.DATA_MANAGER]: ['entry.list', 'entry.read', 'row.read', 'row.edit'],
};

const DUTIES_OF_ROLE: Partial<Record<Role, Duty[]>> = {
  [Role.GUEST]: [],
  [Role.DEVELOPER]: [Duty.TASK_EDITOR, Duty.TASK_MANAGER],
  [Role.MAINTAINER]: [Duty.TASK_EDITOR, Duty.TASK_MANAGER, Duty.DATA_MANAGER],
  [Role.OWNER]: [Duty.TASK_EDITOR, Duty.TASK_MANAGER, Duty.DATA_MANAGER],
};

const BY_ROLE: Partial<Record<Role, string[]>> = {
  [Role.GUEST]: [],
  [Role.DEVELOPER]: ['audit.group'],
  [Role.MAINTAINER]: ['audit.group', 'member.add', 'member.update'],
  [Role.OWNER]: ['audit.group', 'member.add', 'member.update'],
};

/** The duties of a member: those given, and those that the role implies. */
export const dutiesOf = (role: Role, given: readonly Duty[]): Duty[] =>
  [...new Set([...(DUTIES_OF_ROLE[role] ?? []), ...given])].toSorted((a, b) => a - b);

/** What a member may do in the group, sorted. */
export const permissionsOf = (role: Role, given: readonly Duty[]): string[] =>
  [...new Set([...MEMBER, ...(BY_ROLE[role] ?? []), ...dutiesOf(role, given).flatMap((duty) => BY_DUTY[duty] ?? [])])].toSorted();

/** What every user may do. */
export const permissionsOfEverybody = (openGroupCreation: boolean): string[] =>
  (openGroupCreation ? [...EVERYBODY, 'group.create'] : EVERYBODY).toSorted();

/** Whether a scope is a known permission, or `<noun>.*` of one. */
export const isScope = (scope: string, permissions: readonly string[]): boolean =>
  scope.endsWith('.*') ? permissions.some((permission) => permission.startsWith(scope.slice(0, -1))) : permissions.includes(scope);
