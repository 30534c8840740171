// Reading an HTTP API, against a real server in this process.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { HttpRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { retryAfterMs } from './page.ts';
import { httpSource } from './source.ts';

type Handler = (query: URLSearchParams, request: IncomingMessage, response: ServerResponse, calls: number) => unknown;

let directory: string;
let server: Server | undefined;
let calls = 0;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lethe-http-'));
  calls = 0;
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  await rm(directory, { recursive: true });
});

const serve = async (handler: Handler): Promise<string> => {
  const made = createServer((request, response) => {
    calls += 1;
    const body = handler(new URL(request.url ?? '', 'http://x').searchParams, request, response, calls);
    if (response.writableEnded || body === undefined) return;
    response.end(Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body));
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const address = made.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
};

type Paging = NonNullable<Parameters<typeof HttpRead.fromPartial>[0]['paging']>['kind'];
type More = Omit<Parameters<typeof HttpRead.fromPartial>[0], 'paging'>;

/** Reads column `id` of `/items`; the cells in order. */
const collect = async (handler: Handler, kind?: Paging, more: More = {}): Promise<string[]> => {
  const baseUrl = await serve(handler);
  const connection = { id: 'c', groupId: '', name: 'planted', type: 'http', settings: { baseUrl }, secret: {} };
  const value = HttpRead.fromPartial({ path: '/items', rowsPointer: '/items', ...(kind ? { paging: { kind } } : {}), ...more });
  const extraction = { table: 't', columns: ['id'], directory, prefix: 't-1-' };
  const segments = await httpSource(connection, { privateTargets: () => true, fileRoot: '', sourceTimeoutMs: 60_000 }).extract({
    ...extraction,
    read: { $case: 'httpRead', value },
    signal: AbortSignal.timeout(20_000),
    onRows: () => {},
  });
  const texts = await Promise.all(segments.map(({ path }) => readFile(join(directory, path), 'utf8')));
  return texts.join('').split('\n').slice(0, -1);
};

const rowsOf = (...ids: number[]) => ids.map((id) => ({ id }));
const byPage: Paging = { $case: 'pageNumber', value: { parameter: 'page', first: 1 } };
const byOffset = (more: object = {}): Paging => ({
  $case: 'offset',
  value: { offsetParameter: 'offset', limitParameter: 'limit', limit: 10, ...more },
});
const byToken: Paging = { $case: 'token', value: { parameter: 'after', tokenPointer: '/next' } };
const byUrl: Paging = { $case: 'nextUrl', value: { pointer: '/next' } };

describe('the pages of an HTTP API', () => {
  it('do not end at a short page: the offset advances by the rows received, to an empty page', async () => {
    const all = [1, 2, 3, 4, 5, 6, 7];
    const cells = await collect((query) => ({ items: rowsOf(...all.slice(Number(query.get('offset'))).slice(0, 3)) }), byOffset());
    expect(cells).toEqual(all.map((id) => `"${id}"`));
    expect(calls).toBe(4);
  });

  it('end where the declared total is reached, without another request', async () => {
    const cells = await collect(
      (query) => ({ total: 4, items: rowsOf(...[1, 2, 3, 4].slice(Number(query.get('offset'))).slice(0, 2)) }),
      byOffset({ totalPointer: '/total' }),
    );
    expect([cells.length, calls]).toEqual([4, 2]);
  });

  it.each([
    ['an empty page', 3],
    ['no page at all', 4],
  ])('that end by %s before the total that the server says are refused', async (_name, last) => {
    const read = collect(
      (query) => ({
        total: 9,
        items: rowsOf(
          ...[1, 2, 3, 4]
            .slice(0, last)
            .slice(Number(query.get('offset')))
            .slice(0, 2),
        ),
      }),
      byOffset({ totalPointer: '/total' }),
    );
    await expect(read).rejects.toMatchObject({
      reason: 'ROWS_FEWER',
      message: expect.stringContaining(`9 rows, and gave ${last} `) as string,
    });
  });

  it('end where the declared number of pages is reached', async () => {
    const kind: Paging = { $case: 'pageNumber', value: { parameter: 'page', first: 1, pageCountPointer: '/pages' } };
    await collect((query) => ({ pages: 2, items: rowsOf(Number(query.get('page'))) }), kind);
    expect(calls).toBe(2);
  });

  const ends: [name: string, last: (response: ServerResponse) => unknown][] = [
    ['204', (response) => response.writeHead(204).end()],
    ['null', () => 'null'],
    ['null in the place of the rows', () => ({ items: null })],
    ['an empty page', () => ({ items: [] })],
    ['nothing at all', () => ''],
  ];

  it.each(ends)('end with %s', async (_, last) => {
    expect(
      await collect(
        (query, _request, response) => (Number(query.get('page')) > 2 ? last(response) : { items: rowsOf(Number(query.get('page'))) }),
        byPage,
      ),
    ).toEqual(['"1"', '"2"']);
  });

  it('end with a declared status, which is an error where it is not declared or comes first', async () => {
    const handler =
      (last: number): Handler =>
      (query, _request, response) => {
        if (Number(query.get('page')) <= last) return { items: rowsOf(Number(query.get('page'))) };
        return response.writeHead(404).end();
      };
    const declared: Paging = { $case: 'pageNumber', value: { parameter: 'page', first: 1, endStatus: [404] } };
    expect(await collect(handler(2), declared)).toHaveLength(2);
    await expect(collect(handler(2), byPage)).rejects.toThrow('status 404');
    await expect(collect(handler(0), declared)).rejects.toThrow('status 404');
  });

  it('follow a token until there is none, and an empty page is the end whatever it names', async () => {
    const pages: Record<string, object> = {
      '': { items: rowsOf(1), next: 'a' },
      a: { items: rowsOf(2), next: 'b' },
      b: { items: [], next: 'b' },
    };
    expect(await collect((query) => pages[query.get('after') ?? ''], byToken)).toEqual(['"1"', '"2"']);
  });

  it('follow the URL of the next page, absolute or relative, within the origin', async () => {
    const handler: Handler = (query, request) => {
      const page = Number(query.get('p') ?? 1);
      const next = [undefined, `http://${request.headers.host}/items?p=2`, '/items?p=3', null][page];
      return { items: rowsOf(page), next };
    };
    expect(await collect(handler, byUrl)).toEqual(['"1"', '"2"', '"3"']);
    await expect(collect(() => ({ items: rowsOf(1), next: 'http://other.example/items' }), byUrl)).rejects.toThrow('another origin');
  });

  it('are refused where a cursor or a page comes again', async () => {
    await expect(
      collect((_query, _request, _response, count) => ({ items: rowsOf(count), next: count % 2 ? 'a' : 'b' }), byToken),
    ).rejects.toThrow('twice');
    await expect(collect((query) => ({ items: rowsOf(Math.min(2, Number(query.get('page')))) }), byPage)).rejects.toThrow('twice');
  });

  it('are no more than declared', async () => {
    const kind: Paging = { $case: 'pageNumber', value: { parameter: 'page', first: 1, maxPages: 3 } };
    const handler =
      (last: number): Handler =>
      (query) => ({ items: Number(query.get('page')) > last ? [] : rowsOf(Number(query.get('page'))) });
    expect(await collect(handler(3), kind)).toHaveLength(3);
    await expect(collect(handler(4), kind)).rejects.toThrow('more than 3 pages');
  });

  it('are repeated one by one where a server is busy or breaks off, and those read before are kept', async () => {
    const asked: (string | null)[] = [];
    const cells = await collect((query, _request, response, count) => {
      asked.push(query.get('page'));
      if (count === 2) return response.writeHead(429, { 'retry-after': '0' }).end();
      if (count === 4) return response.writeHead(503, { 'retry-after': new Date().toUTCString() }).end();
      if (count === 5) {
        response.writeHead(200, { 'content-length': '1000' }).write('{"items":[');
        setTimeout(() => response.destroy(), 10);
        return undefined;
      }
      return { items: Number(query.get('page')) > 2 ? [] : rowsOf(Number(query.get('page'))) };
    }, byPage);
    expect(cells).toEqual(['"1"', '"2"']);
    expect(asked).toEqual(['1', '2', '2', '3', '3', '3']);
  });
});

describe('a page', () => {
  const text = JSON.stringify({ items: [{ id: 'é' }] });
  const packed: [string, Buffer][] = [
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
  ];

  it.each(packed)('is unpacked where it is sent as %s', async (encoding, body) => {
    expect(await collect((_query, _request, response) => response.setHeader('content-encoding', encoding).end(body))).toEqual(['"é"']);
  });

  it('that is broken off inside its compression, or packed otherwise, is refused', async () => {
    await expect(
      collect((_query, _request, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(text).subarray(0, 20))),
    ).rejects.toThrow('cannot be unpacked');
    await expect(collect((_query, _request, response) => response.setHeader('content-encoding', 'br').end('x'))).rejects.toThrow(
      'cannot be unpacked',
    );
  });

  it('has the encoding that its content type says, and no byte order mark', async () => {
    const body = Buffer.from('{"items":[{"id":"\u00e9"}]}', 'latin1');
    expect(
      await collect((_query, _request, response) => response.setHeader('content-type', 'application/json; charset=ISO-8859-1').end(body)),
    ).toEqual(['"é"']);
    expect(await collect(() => `\uFEFF${text}`)).toEqual(['"é"']);
    await expect(collect(() => body)).rejects.toThrow('line 1: these bytes are not UTF-8');
  });

  it('is found behind redirects of the same origin, and of no other', async () => {
    const cells = await collect((_query, request, response) =>
      request.url === '/items' ? response.writeHead(308, { location: '/items/' }).end() : { items: rowsOf(1) },
    );
    expect(cells).toEqual(['"1"']);
    await expect(
      collect((_query, _request, response) => response.writeHead(307, { location: 'http://localhost:1/items' }).end()),
    ).rejects.toThrow('redirects to another origin');
    await expect(collect((_query, _request, response) => response.writeHead(307, { location: '/items' }).end())).rejects.toThrow(
      'too often',
    );
  });

  it.each<[name: string, status: number, headers: Record<string, string>]>([
    ['with a status that is an error', 404, {}],
    ['that redirects to another origin', 302, { location: 'http://localhost:1/items' }],
    ['with a coding that nobody reads', 200, { 'content-encoding': 'br' }],
    ['with a charset that nobody reads', 200, { 'content-type': 'application/json; charset=klingon' }],
  ])('%s is left at once, though its body never ends', async (_name, status, headers) => {
    let isLeft: Promise<true> | undefined;
    const read = collect((_query, _request, response) => {
      isLeft = new Promise((resolve) => response.once('close', () => resolve(true)));
      response.writeHead(status, headers).write('{"items": [');
    });
    await expect(read).rejects.toThrow();
    expect(await Promise.race([isLeft, sleep(2_000)])).toBe(true);
  });

  it('of a server that changes the protocol is an error, and no wait without end', async () => {
    const made = createServer();
    made.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'));
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    const { port } = made.address() as AddressInfo;
    const connection = { id: 'c', groupId: '', name: 'n', type: 'http', settings: { baseUrl: `http://127.0.0.1:${port}` }, secret: {} };
    const source = httpSource(connection, { privateTargets: () => true, fileRoot: '', sourceTimeoutMs: 60_000 });
    await expect(source.describe(AbortSignal.timeout(20_000))).rejects.toMatchObject({ reason: 'HTTP_PROTOCOL' });
  });

  it('has a member for every column, unless it is declared that missing ones are NULL', async () => {
    const handler: Handler = () => ({ items: [{ id: 1 }, {}] });
    await expect(collect(handler)).rejects.toThrow('Page 1 of /items: 1 row has no member for column id; the first is row 2');
    expect(await collect(handler, undefined, { missingFields: 2 })).toEqual(['"1"', '']);
  });
});

it('Retry-After is seconds or a date', () => {
  expect([
    retryAfterMs('3', 0),
    retryAfterMs('Thu, 01 Jan 1970 00:00:05 GMT', 1000),
    retryAfterMs('soon', 0),
    retryAfterMs(undefined, 0),
  ]).toEqual([3000, 4000, undefined, undefined]);
});
