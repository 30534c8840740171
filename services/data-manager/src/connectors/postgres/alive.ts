// A server that says nothing may work on a statement, or be gone: another session tells.
import type { Client } from 'pg';
import type { ConnectorLimits, ResolvedConnection } from '../connector.ts';
import { RunError, stageError } from '../../domain/run-error.ts';
import { connectPostgres, cutPostgres, endPostgres, socketOf } from './client.ts';

/** After how long without a byte in either direction a server is asked whether it is there. */
export const SILENCE_LIMITS = { askAfterMs: 60_000 };

const isAway = (error: unknown): boolean => error instanceof RunError && error.reason === 'POSTGRES_AWAY';

/** Runs a step in a session. Where the server says nothing for a while, and does not take another session either, the step ends as TARGET_SILENT. */
export type WhileAlive = <R>(activity: string, work: () => Promise<R>) => Promise<R>;

export const whileAlive =
  (client: Client, connection: ResolvedConnection, limits: ConnectorLimits): WhileAlive =>
  async (activity, work) => {
    const socket = socketOf(client);
    const { askAfterMs } = SILENCE_LIMITS;
    let silent: RunError | undefined;
    let isOver = false;
    const ask = async (): Promise<void> => {
      try {
        await endPostgres(await connectPostgres(connection, limits));
      } catch (error) {
        // A server that refuses the session is there.
        if (isAway(error) && !isOver) {
          silent = stageError('TARGET_SILENT', { activity, seconds: Math.round(askAfterMs / 1000) }, error);
          cutPostgres(client);
          socket.destroy();
        }
      }
      // Only bytes wind a socket's clock up again.
      if (!isOver) socket.setTimeout(askAfterMs);
    };
    const onSilence = (): void => void ask();
    socket.setTimeout(askAfterMs);
    socket.on('timeout', onSilence);
    try {
      return await work();
    } catch (error) {
      throw silent ?? error;
    } finally {
      isOver = true;
      socket.setTimeout(0);
      socket.off('timeout', onSilence);
    }
  };
