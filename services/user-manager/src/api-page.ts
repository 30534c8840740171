// docs/api.md: each RPC with its policy, and who holds each permission; made of the proto files and of the table of permissions.
import { commentOfMethod } from '@lethe/contracts/comment';
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { NOUNS, SERVICE_NAMES } from '@lethe/contracts/nouns';
import { methodsOf, permissions, serviceType, type MethodInfo } from '@lethe/contracts/registry';
import { permissionsOf, permissionsOfEverybody } from './domain/permissions.ts';

const HEAD = `# RPCs and permissions

Each RPC, what it does, and who may call it. The page is made from \`proto/lethe/*/v1/*_service.proto\` and \`services/user-manager/src/domain/permissions.ts\`; after a change there,
\`npm test -- --project pure services/user-manager -u\` writes it again. What errors mean: \`docs/errors.md\`. What a role and a duty are: \`docs/security.md\`.

A call leaves an audit record, a failed one too, unless its RPC says "denials": then only a call that is refused leaves one. "services" among the callers are the other five services, never a user.
`;

/** Asked of a member inside the services; no method's policy names them. */
export const INNER_PERMISSIONS = ['audit.group', 'connection.use'];

/** The holders of permissions, in the order of the columns. */
export const HOLDERS: readonly [name: string, permissions: readonly string[]][] = [
  ['everybody', permissionsOfEverybody(false)],
  ['GUEST', permissionsOf(Role.GUEST, [])],
  ['DEVELOPER', permissionsOf(Role.DEVELOPER, [])],
  ['MAINTAINER', permissionsOf(Role.MAINTAINER, [])],
  ['OWNER', permissionsOf(Role.OWNER, [])],
  ['TASK_EDITOR', permissionsOf(Role.GUEST, [Duty.TASK_EDITOR])],
  ['TASK_MANAGER', permissionsOf(Role.GUEST, [Duty.TASK_MANAGER])],
  ['DATA_MANAGER', permissionsOf(Role.GUEST, [Duty.DATA_MANAGER])],
];

const CALLERS = { USER: 'users', SERVICE: 'services', BOTH: 'both' };

const table = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const rowOf = (method: MethodInfo, comment: string): string[] => [
  `\`${method.name}\``,
  comment.replaceAll('|', String.raw`\|`),
  method.policy.permission === '' ? '' : `\`${method.policy.permission}\``,
  CALLERS[method.policy.callers],
  method.policy.audit === 'ALWAYS' ? 'every call' : 'denials',
];

const section = (fullName: string): string => {
  const service = serviceType(fullName);
  const infos = methodsOf(service);
  const rows = service.methods.flatMap((method) => {
    const info = infos.get(method.name);
    return info ? [rowOf(info, commentOfMethod(method))] : [];
  });
  const columns = ['RPC', 'what it does', 'permission', 'callers', 'on record'];
  return `## ${service.name}\n\n\`${fullName}\`\n\n${table(columns, rows)}\n`;
};

const permissionTable = (): string => {
  const rows = [...permissions(), ...INNER_PERMISSIONS]
    .toSorted()
    .map((permission) => [`\`${permission}\``, ...HOLDERS.map(([, held]) => (held.includes(permission) ? '✓' : '·'))]);
  const columns = ['permission', ...HOLDERS.map(([name]) => name)];
  return `## Who holds which permission\n\nThe columns of duties show a GUEST with that duty alone.\n\n${table(columns, rows)}\n`;
};

/** The whole page. */
export const apiPage = (): string => [HEAD, ...NOUNS.map((noun) => section(SERVICE_NAMES[noun])), permissionTable()].join('\n');
