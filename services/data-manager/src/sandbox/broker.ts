// The only way of a script to the network: a loopback server that forwards to the one host of the connection and adds the credential.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ConnectorLimits, ResolvedConnection } from '../connectors/connector.ts';
import { open as openUpstream, urlOf } from '../connectors/http/request.ts';

/** Requests of one script at a time. */
const MAX_REQUESTS = 8;
const KEY_HEADER = 'lethe-broker-key';

/** A running broker. It responds to requests with its key alone: others on the machine reach its port too. */
export type Broker = { port: number; key: string; close: () => void };

/** Where requests go, and what counts the bytes that come back. */
type Route = { connection: ResolvedConnection; limits: ConnectorLimits; signal: AbortSignal; count: (sizeBytes: number) => void };

const forward = async ({ connection, limits, signal, count }: Route, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  if (request.method !== 'GET') {
    response.writeHead(405).end();
    return;
  }
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://broker');
  const url = urlOf(connection, pathname, [...searchParams]);
  const upstream = await openUpstream(connection, limits, { url }, signal);
  // Redirects go to the script as they are: it cannot follow them anywhere else.
  const packed = upstream.headers['content-encoding'];
  response.writeHead(upstream.statusCode ?? 502, {
    'content-type': upstream.headers['content-type'] ?? 'application/octet-stream',
    ...(packed === undefined ? {} : { 'content-encoding': packed }),
  });
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      count(chunk.length);
      done(null, chunk);
    },
  });
  // The script reads as fast as it likes; where it reads no more, so does the broker.
  await pipeline(upstream, counted, response, { signal });
};

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** Starts a broker for one script of one run; `onReceived` counts what the script receives, and `signal` ends it. */
export const startBroker = async (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  { signal, onReceived: count }: { signal: AbortSignal; onReceived: (sizeBytes: number) => void },
): Promise<Broker> => {
  let open = 0;
  const key = randomBytes(32).toString('base64url');
  const wanted = digestOf(key);
  const server = createServer((request, response) => {
    if (!timingSafeEqual(digestOf(String(request.headers[KEY_HEADER])), wanted)) return void response.writeHead(401).end();
    if (open >= MAX_REQUESTS) return void response.writeHead(503).end();
    open += 1;
    forward({ connection, limits, signal, count }, request, response)
      .catch(() => {
        if (!response.headersSent) response.writeHead(502).end();
        // A body that breaks off is not one that ends.
        else response.destroy();
      })
      .finally(() => {
        open -= 1;
      });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A connection that cannot be taken in later fails the request of the script.
  server.on('error', () => server.closeAllConnections());
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    key,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
