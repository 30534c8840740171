// The HTTP server of a field case: its module says what each request gets.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';

/** A request: its path, its parameters, and how often its URL was asked for, this time included. */
export type FieldRequest = { path: string; parameters: URLSearchParams; times: number };
/** A response: status 200 and application/json unless said otherwise; a body that is no text and no bytes is sent as JSON. */
export type FieldResponse = { status?: number; headers?: Record<string, string>; body: unknown };
/** What a server module exports as `respond`. */
export type Respond = (request: FieldRequest) => FieldResponse;

export type FieldServer = { url: string; requests: () => number; close: () => void };

/** Starts the server of a module, on a free port. */
export const startFieldServer = async (modulePath: string): Promise<FieldServer> => {
  const { respond } = (await import(pathToFileURL(modulePath).href)) as { respond: Respond };
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const target = request.url ?? '/';
    seen.push(target);
    const { pathname, searchParams } = new URL(target, 'http://localhost');
    const times = seen.filter((other) => other === target).length;
    const { status = 200, headers = {}, body } = respond({ path: pathname, parameters: searchParams, times });
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => seen.length, close };
};
