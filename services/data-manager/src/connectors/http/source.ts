// HTTP API → csv segments: pages of JSON rows, described by an HttpRead.
import type { HttpRead, Paging } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import {
  kindOfRead,
  type ConnectorLimits,
  type Description,
  type Extraction,
  type ResolvedConnection,
  type Source,
  type WrittenSegment,
} from '../connector.ts';
import { openCsvWriter } from '../csv-writer.ts';
import { atPointer, parseExact, pointerOf, toCell } from '../json-rows.ts';
import { getText, open, urlOf } from './request.ts';
import { stageError } from '../../domain/run-error.ts';

const MAX_PAGES = 1_000_000;

/** The query of the next page after one with `rows` rows, or undefined at the end. */
const nextQuery = (paging: Paging | undefined, page: number, rows: number, body: unknown): Record<string, string> | undefined => {
  const kind = paging?.kind;
  switch (kind?.$case) {
    case 'pageNumber':
      return rows === 0 ? undefined : { [kind.value.parameter]: String(kind.value.first + page + 1) };
    case 'offset':
      return rows < kind.value.limit ? undefined : offsetQuery(kind.value, (page + 1) * kind.value.limit);
    case 'token': {
      const token = toCell(atPointer(body, kind.value.tokenPointer));
      return token === null || token === '' ? undefined : { [kind.value.parameter]: token };
    }
    case undefined:
      return undefined;
  }
};

const offsetQuery = (
  paging: { offsetParameter: string; limitParameter: string; limit: number },
  offset: number,
): Record<string, string> => ({
  [paging.offsetParameter]: String(offset),
  ...(paging.limitParameter === '' ? {} : { [paging.limitParameter]: String(paging.limit) }),
});

const firstQuery = (paging: Paging | undefined): Record<string, string> => {
  const kind = paging?.kind;
  if (kind?.$case === 'pageNumber') return { [kind.value.parameter]: String(kind.value.first) };
  return kind?.$case === 'offset' ? offsetQuery(kind.value, 0) : {};
};

const readPage = (text: string, read: HttpRead): { body: unknown; rows: unknown[] } => {
  let body: unknown;
  try {
    body = parseExact(text);
  } catch {
    throw stageError('ANSWER_UNREADABLE', { path: read.path });
  }
  const rows = atPointer(body, read.rowsPointer);
  if (!Array.isArray(rows)) throw stageError('ROWS_MISSING', { path: read.path, pointer: read.rowsPointer || '(the whole page)' });
  return { body, rows };
};

const extract = async (connection: ResolvedConnection, limits: ConnectorLimits, extraction: Extraction): Promise<WrittenSegment[]> => {
  const { read, signal } = extraction;
  if (read.$case !== 'httpRead') throw stageError('READ_MISMATCH', { type: 'http', read: kindOfRead(read) });
  const pointers = extraction.columns.map((column) => pointerOf(read.value.columns, column));
  const writer = openCsvWriter(extraction.directory, extraction.prefix, extraction.onRows);
  let query: Record<string, string> | undefined = firstQuery(read.value.paging);
  let lastToken = '';
  for (let page = 0; query && page < MAX_PAGES; page++) {
    signal.throwIfAborted();
    const { body, rows } = readPage(
      await getText(connection, limits, urlOf(connection, read.value.path, { ...read.value.query, ...query }), signal),
      read.value,
    );
    for (const row of rows) await writer.write(pointers.map((pointer) => toCell(atPointer(row, pointer))));
    query = nextQuery(read.value.paging, page, rows.length, body);
    // A server that names the same page again would be read for ever.
    const token = JSON.stringify(query ?? '');
    if (query && token === lastToken) throw stageError('PAGES_REPEAT', { path: read.value.path });
    lastToken = token;
  }
  return writer.end();
};

const describe = async (connection: ResolvedConnection, limits: ConnectorLimits, signal: AbortSignal): Promise<Description> => {
  const response = await open(connection, limits, urlOf(connection, '', {}), signal);
  response.resume();
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
