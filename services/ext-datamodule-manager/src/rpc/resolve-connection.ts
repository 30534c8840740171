import type {
  ResolveConnectionRequest,
  ResolveConnectionResponse,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { ServiceCall } from '@lethe/grpc/context';
import { fail, passOn } from '@lethe/grpc/errors';
import { verifyTicket } from '@lethe/grpc/service-tokens';
import { openSecret } from '../app/connection-secret.ts';
import type { Deps } from '../app/deps.ts';
import { requireService } from '../app/require-service.ts';
import { connectionView } from '../app/views.ts';
import { findConnection } from '../store/connections.ts';
import type { ConnectionRow } from '../store/tables.ts';

const checkGrant = async (deps: Deps, ctx: ServiceCall, row: ConnectionRow, subject: { userId: string; access: Access }): Promise<void> => {
  const request = { ...subject, connectionId: row.id, connectionGroupId: row.groupId };
  try {
    const { allowed } = await deps.user.checkAccess(request, { parent: ctx });
    if (!allowed) throw fail('GRANT_MISSING', { connection_id: row.id });
  } catch (error) {
    throw passOn(error, 'user');
  }
};

/** The address and secrets of a connection, against a run's ticket and the grant behind it, read anew. */
export const resolveConnection =
  (deps: Deps) =>
  async (request: ResolveConnectionRequest, ctx: ServiceCall): Promise<ResolveConnectionResponse> => {
    if (!ctx.transportSecure) throw fail('TRANSPORT_INSECURE');
    requireService(ctx, 'data');
    const ticket = await verifyTicket(request.ticket, deps.publicKeys);
    const access = request.write ? 'WRITE' : 'READ';
    // The caller's token names the run it works for; a ticket is valid for its own run only.
    const isOfRun = ctx.service.runId === ticket?.runId;
    if (!isOfRun || !ticket?.connections.some((allowed) => allowed.connectionId === request.connectionId && allowed.access === access))
      throw fail('TICKET_INVALID');
    ctx.runId = ticket.runId;
    ctx.resource = `connections/${request.connectionId}`;
    const row = await findConnection(deps.store.db, request.connectionId);
    if (!row) throw fail('TICKET_INVALID');
    ctx.groupId = row.groupId;
    await checkGrant(deps, ctx, row, { userId: ticket.releasedBy, access: request.write ? Access.WRITE : Access.READ });
    return { connection: connectionView(row), secret: { values: openSecret(deps.config, row) } };
  };
