import type {
  ResolveConnectionRequest,
  ResolveConnectionResponse,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { CallContext } from '@lethe/grpc/context';
import { fail, passOn } from '@lethe/grpc/errors';
import { verifyTicket } from '@lethe/grpc/service-tokens';
import { findConnection } from '../store/connections.ts';
import type { ConnectionRow } from '../store/tables.ts';
import type { Deps } from '../app/deps.ts';
import { requireService } from '../app/require-service.ts';
import { openSecret } from '../app/connection-secret.ts';
import { connectionView } from '../app/views.ts';

const checkGrant = async (deps: Deps, ctx: CallContext, row: ConnectionRow, userId: string, write: boolean): Promise<void> => {
  const question = { userId, connectionId: row.id, access: write ? Access.WRITE : Access.READ, connectionGroupId: row.groupId };
  try {
    const { allowed } = await deps.user.checkAccess(question, { parent: ctx });
    if (!allowed) throw fail('GRANT_MISSING', { connection_id: row.id });
  } catch (error) {
    throw passOn(error, 'user');
  }
};

/** The address and secrets of a connection, against a run's ticket and a fresh look at the grant behind it. */
export const resolveConnection =
  (deps: Deps) =>
  async (request: ResolveConnectionRequest, ctx: CallContext): Promise<ResolveConnectionResponse> => {
    if (!ctx.transportSecure) throw fail('TRANSPORT_INSECURE');
    requireService(ctx, 'data');
    const ticket = await verifyTicket(request.ticket, deps.publicKeys);
    const access = request.write ? 'WRITE' : 'READ';
    // The caller says for which run it works; a ticket is good for its own run only.
    const isOfRun = ctx.principal.kind === 'service' && ctx.principal.runId === ticket?.runId;
    if (!isOfRun || !ticket?.connections.some((allowed) => allowed.connectionId === request.connectionId && allowed.access === access))
      throw fail('TICKET_INVALID');
    ctx.runId = ticket.runId;
    ctx.resource = `connections/${request.connectionId}`;
    const row = await findConnection(deps.store.db, request.connectionId);
    if (!row) throw fail('TICKET_INVALID');
    ctx.groupId = row.groupId;
    await checkGrant(deps, ctx, row, ticket.releasedBy, request.write);
    return { connection: connectionView(row), secret: { values: openSecret(deps.config, row) } };
  };
