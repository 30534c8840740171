// One page of an HTTP API → a file, as it was sent: redirects within the origin are followed, a busy server is waited for.
import { nowMs } from '@lethe/contracts/clock';
import type { IncomingMessage } from 'node:http';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorLimits, Extraction, ResolvedConnection } from '../connector.ts';
import { encodingOf } from '../text/decode.ts';
import { TEXT_LIMITS } from '../text/limits.ts';
import { RunError, stageError } from '../../domain/run-error.ts';
import { codeOf } from '../../domain/error-code.ts';
import { isNetworkError, isSystemCode } from '../system-error.ts';
import { open, toRunError } from './request.ts';

/** A page: how its bytes are written, or that there is none. */
export type Page = { status: number; isEmpty: boolean; encoding: string; packed: 'gzip' | 'deflate' | '' };

/** What pages are read with. */
export type PageContext = {
  connection: ResolvedConnection;
  limits: ConnectorLimits;
  signal: AbortSignal;
  onReceived?: Extraction['onReceived'] | undefined;
};

const MAX_REDIRECTS = 5;
const MAX_TRIES = 8;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 600_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** How long a server asks to be left alone: seconds, or a date. */
export const retryAfterMs = (header: string | undefined, nowMs: number): number | undefined => {
  if (header === undefined) return undefined;
  const waitMs = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(LONGEST_WAIT_MS, Math.max(0, waitMs));
};

const openFollowing = async ({ connection, limits, signal }: PageContext, first: URL): Promise<IncomingMessage> => {
  let url = first;
  for (let followed = 0; ; followed += 1) {
    const response = await open(connection, limits, { url, headers: { 'accept-encoding': 'gzip, deflate' } }, signal);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (!REDIRECTS.has(status) || location === undefined) return response;
    response.destroy();
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
    if (next?.origin !== first.origin || followed >= MAX_REDIRECTS) throw stageError('REDIRECT_REFUSED', { status });
    url = next;
  }
};

const bounded = (onReceived: PageContext['onReceived']): Transform => {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      onReceived?.(chunk.length);
      if (size > TEXT_LIMITS.pageBytes) done(stageError('HTTP_PAGE_TOO_LARGE', { limit: TEXT_LIMITS.pageBytes }));
      else done(null, chunk);
    },
  });
};

const PACKED: Record<string, Page['packed']> = { '': '', identity: '', gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate' };

const formOf = ({ headers }: IncomingMessage, object: string): Pick<Page, 'encoding' | 'packed'> => {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? '';
  const encoding = encodingOf(charset);
  if (encoding === undefined) throw stageError('TEXT_ENCODING_UNKNOWN', { object });
  const packed = PACKED[(headers['content-encoding'] ?? '').trim().toLowerCase()];
  if (packed === undefined) throw stageError('TEXT_UNPACKABLE', { object, packed: 'gzip or deflate' });
  return { encoding, packed };
};

const savePage = async (response: IncomingMessage, path: string, { signal, onReceived }: PageContext): Promise<void> => {
  try {
    await pipeline(response, bounded(onReceived), createWriteStream(path, { mode: 0o600 }), { signal });
  } catch (error) {
    // The page goes to this machine's disk: an error of files is none of the server's.
    const isOwn = isSystemCode(codeOf(error)) && !isNetworkError(error);
    throw signal.aborted || isOwn ? error : toRunError(error);
  }
};

type Request = { url: URL; path: string; object: string; endStatus: readonly number[] };

const tryPage = async (
  context: PageContext,
  { url, path, object, endStatus }: Request,
): Promise<Page & { waitMs?: number | undefined }> => {
  const response = await openFollowing(context, url);
  try {
    const status = response.statusCode ?? 0;
    if (status === 200) {
      const form = formOf(response, object);
      await savePage(response, path, context);
      return { status, isEmpty: false, ...form };
    }
    if (status === 204 || endStatus.includes(status)) return { status, isEmpty: true, encoding: 'utf-8', packed: '' };
    if (status !== 429 && status < 500) throw stageError('HTTP_STATUS', { status });
    return { status, isEmpty: true, encoding: '', packed: '', waitMs: retryAfterMs(response.headers['retry-after'], nowMs()) ?? -1 };
  } finally {
    // A body that nobody wants may never end.
    response.destroy();
  }
};

/** Gets a page into a file. A busy server is asked again, as long as it says; what was read before is kept meanwhile. */
export const getPage = async (context: PageContext, request: Request): Promise<Page> => {
  let failure: RunError | undefined;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    let waitMs = FIRST_WAIT_MS * 2 ** tries;
    try {
      const { waitMs: asked, ...page } = await tryPage(context, request);
      if (asked === undefined) return page;
      failure = stageError('HTTP_BUSY', { status: page.status });
      if (asked >= 0) waitMs = asked;
    } catch (error) {
      if (!(error instanceof RunError) || error.reason !== 'HTTP_AWAY') throw error;
      failure = error;
    }
    await sleep(waitMs, undefined, { signal: context.signal });
  }
  throw failure ?? stageError('HTTP_AWAY');
};
