// One GET to the one host of a connection: the address is pinned, redirects are not followed.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { resolveTarget } from '../address.ts';
import { type ConnectorLimits, type ResolvedConnection } from '../connector.ts';
import { RunError, stageError } from '../../domain/run-error.ts';
import { codeOf } from '../../domain/error-code.ts';
import { tlsProblem } from '../system-error.ts';

const TIMEOUT_MS = 60_000;

/** The headers that a connection's settings and secret add to each request. */
export const requestHeaders = ({ settings, secret }: ResolvedConnection): Record<string, string> => ({
  ...(settings['headers'] as Record<string, string> | undefined),
  ...(secret['token'] === undefined
    ? {}
    : {
        authorization: `${typeof settings['authorizationScheme'] === 'string' ? settings['authorizationScheme'] : 'Bearer'} ${secret['token']}`,
      }),
});

/** A URL below a connection's base; a path that leads elsewhere is refused. A query that the base URL has stays, unless `query` has its names. */
export const urlOf = ({ settings }: ResolvedConnection, path: string, query: Iterable<[name: string, value: string]>): URL => {
  const base = new URL(`${String(settings['baseUrl']).replace(/\/$/, '')}/`);
  const url = new URL(`.${path.startsWith('/') ? '' : '/'}${path}`, base);
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) throw stageError('PATH_OUTSIDE', { object: 'the base URL' });
  const pairs = [...query];
  for (const [name] of pairs) url.searchParams.delete(name);
  for (const [name, value] of pairs) url.searchParams.append(name, value);
  return url;
};

/** The one address to connect to for a URL; refused where it may not be reached. */
export const addressOf = (url: URL, limits: ConnectorLimits): Promise<string> =>
  resolveTarget(url.hostname, Number(url.port) || (url.protocol === 'https:' ? 443 : 80), limits.privateTargets);

/** An error of a request, by its code. */
export const toRunError = (error: unknown): RunError => {
  if (error instanceof RunError) return error;
  const code = codeOf(error);
  const problem = tlsProblem(code);
  if (problem !== undefined) return stageError('HTTP_TLS', { problem }, error);
  return code.startsWith('HPE_') ? stageError('HTTP_PROTOCOL', {}, error) : stageError('HTTP_AWAY', {}, error);
};

/** What is asked for; `headers` come before those of the connection. */
export type HttpGet = { url: URL; headers?: Record<string, string> };

/** Connects to the pinned address and returns the response; the host name stays in the URL for TLS and the Host header. */
export const open = async (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  { url, headers = {} }: HttpGet,
  signal: AbortSignal,
): Promise<IncomingMessage> => {
  const address = await addressOf(url, limits);
  const family = isIP(address);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        headers: { accept: 'application/json', ...headers, ...requestHeaders(connection) },
        signal,
        timeout: TIMEOUT_MS,
        lookup: (_host, options, done) => {
          if (options.all) done(null, [{ address, family }]);
          else done(null, address, family);
        },
      },
      resolve,
    );
    // A server that changes the protocol responds to nothing: without a listener its socket is closed, and nobody is told.
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(stageError('HTTP_PROTOCOL'));
    });
    request.on('close', () => reject(signal.aborted ? (signal.reason as Error) : stageError('HTTP_PROTOCOL')));
    request.on('timeout', () => request.destroy(stageError('HTTP_AWAY')));
    request.on('error', (cause) => reject(signal.aborted ? (signal.reason as Error) : toRunError(cause)));
    request.end();
  });
};
