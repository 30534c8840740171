// HTTP API → csv segments: pages of JSON rows, described by an HttpRead.
import { MissingFields, type HttpRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  kindOfRead,
  type ConnectorLimits,
  type Description,
  type Extraction,
  type ResolvedConnection,
  type Source,
  type WrittenSegment,
} from '../connector.ts';
import { columnsOf } from '../text/columns.ts';
import { openReader, type ReadResult, type TextReader } from '../text/reader.ts';
import { getPage, type PageContext } from './page.ts';
import { checkTotal, endStatusOf, firstPlace, maxPagesOf, nextPlace, pagePointers, type Place } from './paging.ts';
import { open, urlOf } from './request.ts';
import { stageError } from '../../domain/run-error.ts';

const NO_ROWS: Omit<ReadResult, 'script'> = { rowCount: 0, pagingValues: [], digest: '' };

/** Pages and places that were read before, by digest: a server that gives one again would be read for ever, and one may name long places. */
const openHistory = (path: string): ((mark: string) => void) => {
  const seen = new Set<string>();
  return (mark) => {
    const digest = createHash('sha256').update(mark).digest('base64');
    if (seen.has(digest)) throw stageError('PAGES_REPEAT', { path });
    seen.add(digest);
  };
};

/** Reads the pages in turn; each goes through a file, which the reader process parses. */
const readPages = async (context: PageContext, read: HttpRead, reader: TextReader, path: string): Promise<void> => {
  const { paging } = read;
  const note = openHistory(read.path);
  const limit = maxPagesOf(paging);
  let place: Place | undefined = firstPlace(paging);
  let received = 0;
  for (let page = 0; place; page += 1) {
    const url = 'url' in place ? place.url : urlOf(context.connection, read.path, Object.entries({ ...read.query, ...place.query }));
    const object = `Page ${page + 1} of ${read.path}`;
    const got = await getPage(context, { url, path, object, endStatus: endStatusOf(paging, page) });
    const { encoding, packed } = got;
    const format = { kind: 'array', pointer: read.rowsPointer, pagingPointers: pagePointers(paging), isPage: true } as const;
    const result = got.isEmpty ? NO_ROWS : await reader.read({ path, object, encoding, packed, format });
    if (result.rowCount > 0) note(`rows ${result.digest}`);
    if (result.rowCount > 0 && page >= limit) throw stageError('PAGES_TOO_MANY', { path: read.path, limit });
    received += result.rowCount;
    checkTotal(paging, { received, ...result }, read.path);
    place = nextPlace(paging, { page, received, url, ...result }, read.path);
    if (place) note(`url ${'url' in place ? place.url.href : JSON.stringify(place.query)}`);
  }
};

const extract = async (connection: ResolvedConnection, limits: ConnectorLimits, extraction: Extraction): Promise<WrittenSegment[]> => {
  const { read, table, directory, prefix, signal, onRows, onReceived } = extraction;
  if (read.$case !== 'httpRead') throw stageError('READ_MISMATCH', { type: 'http', read: kindOfRead(read) });
  const path = join(directory, `${prefix}page`);
  const columns = columnsOf(extraction.columns, read.value.columns);
  const needsMembers = read.value.missingFields !== MissingFields.NULL;
  const reader = await openReader({ table, directory, prefix, signal, onRows, columns, needsMembers });
  try {
    await readPages({ connection, limits, signal, onReceived }, read.value, reader, path);
    return await reader.close();
  } finally {
    reader.kill();
    await rm(path, { force: true });
  }
};

const describe = async (connection: ResolvedConnection, limits: ConnectorLimits, signal: AbortSignal): Promise<Description> => {
  const response = await open(connection, limits, { url: urlOf(connection, '', []) }, signal);
  // Nothing of the body is wanted, and it may never end.
  response.destroy();
  const status = response.statusCode ?? 0;
  if (status === 401 || status === 403) throw stageError('HTTP_STATUS', { status });
  return {
    serverVersion: typeof response.headers.server === 'string' ? response.headers.server.slice(0, 128) : '',
    tables: [],
    truncated: false,
  };
};

/** The reading side of an http connection. */
export const httpSource = (connection: ResolvedConnection, limits: ConnectorLimits): Source => ({
  describe: (signal) => describe(connection, limits, signal),
  extract: (extraction) => extract(connection, limits, extraction),
});
