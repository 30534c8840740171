// Postgres's errors as reasons of the catalogue. Their texts quote values, so nothing of them is passed on but the constraint's name.
import { fail } from '@lethe/grpc/errors';

const RETRYABLE = new Set(['40001', '40P01']);
const AWAY = /^(?:08|57P0|53)/;
const AWAY_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN']);
// Of a socket. An error of the file system may have the same code.
const SOCKET_CALLS = new Set(['connect', 'read', 'write', 'getaddrinfo']);
const AWAY_TEXTS = /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

const codeOf = (error: unknown): string => {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
};

/** Whether the transaction may simply be tried again: serialization failures and deadlocks. */
export const isRetryable = (error: unknown): boolean => RETRYABLE.has(codeOf(error));

const isSocketLost = (error: unknown): boolean => {
  const { syscall } = error as { syscall?: unknown };
  // The socket of a server on this machine is a file, which is missing while the server is away.
  if (codeOf(error) === 'ENOENT') return syscall === 'connect';
  return AWAY_CODES.has(codeOf(error)) && (syscall === undefined || (typeof syscall === 'string' && SOCKET_CALLS.has(syscall)));
};

/** Whether the connection was lost, so that the outcome of a COMMIT is unknown. */
export const isConnectionLost = (error: unknown): boolean =>
  error instanceof Error && (AWAY.test(codeOf(error)) || isSocketLost(error) || AWAY_TEXTS.test(error.message));

/** Maps an error of the driver to one of the catalogue; anything else comes back as it is. */
export const mapPgError = (error: unknown): unknown => {
  const code = codeOf(error);
  const constraint = (error as { constraint?: unknown } | undefined)?.constraint;
  if (code === '23505')
    return fail(
      'ALREADY_EXISTS',
      { rule: typeof constraint === 'string' ? constraint : '' },
      { message: 'the name is taken', cause: error },
    );
  if (code === '23503') return fail('REFERENCE_BROKEN', { rule: typeof constraint === 'string' ? constraint : '' }, { cause: error });
  if (isRetryable(error)) return fail('CONFLICT', {}, { cause: error });
  if (code === '57014') return fail('DEADLINE_EXCEEDED', {}, { cause: error });
  if (isConnectionLost(error)) return fail('DEPENDENCY_UNAVAILABLE', { dependency: 'postgres' }, { cause: error, retryDelayMs: 1000 });
  return error;
};
