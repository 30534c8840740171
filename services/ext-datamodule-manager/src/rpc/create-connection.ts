import type { CreateConnectionRequest, CreateConnectionResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { mutate } from '@lethe/db/mutate';
import type { UserCall } from '@lethe/grpc/context';
import { randomUUIDv7 } from 'node:crypto';
import { checkAddress } from '../app/check-address.ts';
import { sealSecret } from '../app/connection-secret.ts';
import type { Deps } from '../app/deps.ts';
import { ownerNotice } from '../app/owner-notice.ts';
import { auditConnection, connectionView } from '../app/views.ts';
import { insertConnection } from '../store/connections.ts';

/** Makes a connection. */
export const createConnection =
  (deps: Deps) =>
  async (request: CreateConnectionRequest, ctx: UserCall): Promise<CreateConnectionResponse> => {
    const { groupId, displayName, description, namespace, contract, requirePrivacy } = request;
    const { kind, settings, secret } = checkAddress(request.type, {
      settings: request.settings,
      secret: request.secret?.values,
      uri: request.uri,
    });
    const id = randomUUIDv7();
    const ownerIds = request.ownerIds.length > 0 ? request.ownerIds : [ctx.user.userId];
    const sealed = sealSecret(deps.config, { groupId, id, secretNumber: 0 }, secret, deps.now());
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const row = await insertConnection(tx, {
        id,
        groupId,
        displayName,
        description,
        namespace,
        type: kind.type,
        schemaVersion: kind.schemaVersion,
        settings,
        contract,
        ownerIds,
        discoverable: !request.hidden,
        requirePrivacy,
        ...sealed,
      });
      return {
        response: { connection: connectionView(row) },
        resource: `connections/${row.id}`,
        groupId,
        after: auditConnection(row),
        revision: row.version,
        events: [ownerNotice(row, Notification_Kind.CONNECTION_CREATED)],
      };
    });
  };
