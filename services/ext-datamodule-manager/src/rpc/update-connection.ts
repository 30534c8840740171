import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { UpdateConnectionRequest, UpdateConnectionResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { fail, invalidField } from '@lethe/grpc/errors';
import { checkEtag } from '@lethe/grpc/etag';
import { readMask } from '@lethe/grpc/mask';
import { checkAddress } from '../app/check-address.ts';
import { openSecret, sealSecret } from '../app/connection-secret.ts';
import type { Deps } from '../app/deps.ts';
import { loadConnection } from '../app/load-connection.ts';
import { ownerNotice } from '../app/owner-notice.ts';
import { auditConnection, connectionView } from '../app/views.ts';
import { sameDestination } from '../domain/destination.ts';
import { lockConnection, saveConnection, type ConnectionChanges } from '../store/connections.ts';
import type { ConnectionRow } from '../store/tables.ts';

const MUTABLE = [
  'display_name',
  'description',
  'namespace',
  'settings',
  'contract',
  'owner_ids',
  'discoverable',
  'require_privacy',
  'secret',
];
const OWNERS_ONLY = ['owner_ids', 'discoverable', 'require_privacy'];

const isPopulated =
  (request: UpdateConnectionRequest) =>
  (path: string): boolean => {
    const wanted = request.connection;
    const values: Record<string, unknown> = {
      display_name: wanted?.displayName,
      description: wanted?.description,
      namespace: wanted?.namespace,
      settings: wanted?.settings ?? (request.uri !== '' ? request.uri : undefined),
      contract: wanted?.contract,
      owner_ids: wanted?.ownerIds.length,
      // An absent flag cannot be distinguished from false; without a mask it stays as it is.
      discoverable: wanted?.discoverable,
      require_privacy: wanted?.requirePrivacy,
      secret: request.secret ?? (request.uri !== '' ? request.uri : undefined),
    };
    return Boolean(values[path]);
  };

const plainChanges = (wanted: Connection | undefined, paths: Set<string>): ConnectionChanges => ({
  ...(paths.has('display_name') ? { displayName: wanted?.displayName ?? '' } : {}),
  ...(paths.has('description') ? { description: wanted?.description ?? '' } : {}),
  ...(paths.has('namespace') ? { namespace: wanted?.namespace ?? '' } : {}),
  ...(paths.has('contract') ? { contract: wanted?.contract ?? '' } : {}),
  ...(paths.has('owner_ids') ? { ownerIds: wanted?.ownerIds ?? [] } : {}),
  ...(paths.has('discoverable') ? { discoverable: wanted?.discoverable ?? false } : {}),
  ...(paths.has('require_privacy') ? { requirePrivacy: wanted?.requirePrivacy ?? false } : {}),
});

/**
 * The new settings and secret, checked together; a secret that is not sent stays where the address stays too. Whoever may change the address could
 * else have the secret sent to a server of their own.
 */
const addressChanges = (deps: Deps, before: ConnectionRow, request: UpdateConnectionRequest, paths: Set<string>): ConnectionChanges => {
  if (!paths.has('settings') && !paths.has('secret')) return {};
  const withUri = request.uri !== '';
  const settings = withUri ? undefined : paths.has('settings') ? (request.connection?.settings ?? {}) : before.settings;
  const sent = paths.has('secret') ? (request.secret?.values ?? {}) : undefined;
  const { settings: address } = checkAddress(before.type, { settings, secret: undefined, uri: request.uri });
  const moved = sent === undefined && !withUri && !sameDestination(before.type, before.settings, address);
  const secret = withUri ? undefined : (sent ?? (moved ? undefined : openSecret(deps.config, before)));
  const checked = checkAddress(before.type, { settings, secret, uri: request.uri });
  return {
    settings: checked.settings,
    schemaVersion: checked.kind.schemaVersion,
    ...(paths.has('secret') ? sealSecret(deps.config, before, checked.secret, deps.now()) : {}),
    ...(moved ? sealSecret(deps.config, before, undefined, deps.now()) : {}),
  };
};

/** Who owns a connection, who sees it and what privacy it demands is decided by its owners and by owners of its group: whoever edits tasks cannot grant himself. */
const checkOwnership = (ctx: CallContext, connection: ConnectionRow, paths: Set<string>): void => {
  const changed = OWNERS_ONLY.filter((path) => paths.has(path));
  const { user } = ctx;
  if (changed.length === 0 || !user || user.superuser || connection.ownerIds.includes(user.userId)) return;
  if (user.memberships.get(connection.groupId)?.role === Role.OWNER) return;
  throw fail('OWNERS_ONLY', { paths: changed.join(', ') });
};

/** Changes a connection. Runs in progress continue with what they resolved. */
export const updateConnection =
  (deps: Deps) =>
  async (request: UpdateConnectionRequest, ctx: CallContext): Promise<UpdateConnectionResponse> => {
    const paths = readMask(request.updateMask, MUTABLE, isPopulated(request));
    if (paths.has('display_name') && !request.connection?.displayName)
      throw invalidField('connection.display_name', 'string.min_len', 'a name is required');
    if (paths.has('owner_ids') && (request.connection?.ownerIds.length ?? 0) === 0) {
      throw fail(
        'OWNER_INVALID',
        {},
        { fields: [{ field: 'connection.owner_ids', rule: 'OWNER_INVALID', description: 'a connection has at least one owner' }] },
      );
    }
    const visible = await loadConnection(deps, ctx, request.connectionId);
    checkOwnership(ctx, visible, paths);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockConnection(tx, visible.id);
      checkEtag(request.etag, before.version);
      checkOwnership(ctx, before, paths);
      const changes = { ...plainChanges(request.connection, paths), ...addressChanges(deps, before, request, paths) };
      const after = await saveConnection(tx, before, changes, deps.now());
      return {
        response: { connection: connectionView(after) },
        groupId: after.groupId,
        before: auditConnection(before),
        after: auditConnection(after),
        revision: after.version,
        events: [ownerNotice(after, Notification_Kind.CONNECTION_UPDATED)],
      };
    });
  };
