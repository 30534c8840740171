import { stopwatch } from '@lethe/contracts/clock';
import type { DescribeConnectionRequest, DescribeConnectionResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { inspectConnection, sourceOf } from '../connectors/index.ts';
import { resolvedOf } from '../connectors/resolve.ts';
import { RunError } from '../domain/run-error.ts';
import type { RunDeps } from '../deps.ts';

const NOTHING_ASKED = { moduleId: '', collectedModuleId: '', reads: [], writes: [] };

const sentenceOf = ({ reason, message }: RunError): string => `${reason}: ${message}`;

/** Connects to a store and describes it; what goes wrong there is part of the response, not an error. */
export const describeConnection =
  (deps: RunDeps) =>
  async (request: DescribeConnectionRequest, ctx: CallContext): Promise<DescribeConnectionResponse> => {
    if (!ctx.transportSecure) throw fail('TRANSPORT_INSECURE');
    const { connection, secret } = request;
    ctx.groupId = connection?.groupId ?? '';
    const giveBack = await deps.callSlots.take(ctx.groupId, ctx.signal);
    const durationMs = stopwatch();
    try {
      const resolved = resolvedOf(connection, secret);
      const { unreadable, unwritable } = await inspectConnection(resolved, deps.config, NOTHING_ASKED, ctx.signal);
      const found = await sourceOf(resolved, deps.config).describe(ctx.signal);
      return {
        ...found,
        reachable: true,
        error: '',
        durationMs: durationMs(),
        readable: unreadable.length === 0,
        writable: unwritable.length === 0,
        unreadableReasons: unreadable.map(sentenceOf),
        unwritableReasons: unwritable.map(sentenceOf),
      };
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      return {
        reachable: false,
        error: sentenceOf(error),
        serverVersion: '',
        tables: [],
        truncated: false,
        durationMs: durationMs(),
        readable: false,
        writable: false,
        unreadableReasons: [sentenceOf(error)],
        unwritableReasons: [sentenceOf(error)],
      };
    } finally {
      giveBack();
    }
  };
