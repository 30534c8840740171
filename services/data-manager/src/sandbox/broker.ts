// The only way of a script to the network: a loopback server that forwards to the one host of the connection and adds the credential.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ConnectorLimits, ResolvedConnection } from '../connectors/connector.ts';
import { open, urlOf } from '../connectors/http/request.ts';

/** A running broker; `sizeBytes` counts what the script received. */
export type Broker = { port: number; sizeBytes: () => number; close: () => void };

/** Where requests go, and what counts the bytes that come back. */
type Route = { connection: ResolvedConnection; limits: ConnectorLimits; signal: AbortSignal; count: (sizeBytes: number) => void };

const forward = async ({ connection, limits, signal, count }: Route, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  if (request.method !== 'GET') {
    response.writeHead(405).end();
    return;
  }
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://broker');
  const url = urlOf(connection, pathname, Object.fromEntries(searchParams));
  const upstream = await open(connection, limits, { url }, signal);
  // Redirects go to the script as they are: it cannot follow them anywhere else.
  const packed = upstream.headers['content-encoding'];
  response.writeHead(upstream.statusCode ?? 502, {
    'content-type': upstream.headers['content-type'] ?? 'application/octet-stream',
    ...(packed === undefined ? {} : { 'content-encoding': packed }),
  });
  for await (const chunk of upstream) {
    count((chunk as Buffer).length);
    response.write(chunk);
  }
  response.end();
};

/** Starts a broker for one script of one run. */
export const startBroker = async (connection: ResolvedConnection, limits: ConnectorLimits, signal: AbortSignal): Promise<Broker> => {
  let sizeBytes = 0;
  const count = (more: number): void => {
    sizeBytes += more;
  };
  const server = createServer((request, response) => {
    forward({ connection, limits, signal, count }, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    sizeBytes: () => sizeBytes,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
