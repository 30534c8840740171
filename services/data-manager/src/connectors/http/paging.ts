// How the pages of an HTTP API follow each other, and where they end. Pure.
import type { Paging } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { stageError } from '../../domain/run-error.ts';

/** Where a page is: a query of the read's path, or a URL that the page before named. */
export type Place = { query: Record<string, string> } | { url: URL };

/** What was read of a page: its rows, the texts at the pointers of `pagePointers`, and where it was. */
export type PageRead = { page: number; rowCount: number; pagingValues: readonly (string | null)[]; received: number; url: URL };

const DEFAULT_MAX_PAGES = 1_000_000;

type Kind = NonNullable<Paging['kind']>;

const offsetQuery = (
  paging: { offsetParameter: string; limitParameter: string; limit: number },
  offset: number,
): Record<string, string> => ({
  [paging.offsetParameter]: String(offset),
  ...(paging.limitParameter === '' ? {} : { [paging.limitParameter]: String(paging.limit) }),
});

/** The place of the first page. */
export const firstPlace = (paging: Paging | undefined): Place => {
  const kind = paging?.kind;
  if (kind?.$case === 'pageNumber') return { query: { [kind.value.parameter]: String(kind.value.first) } };
  return { query: kind?.$case === 'offset' ? offsetQuery(kind.value, 0) : {} };
};

/** The pointers of what a page says of its end or of the next page. */
export const pagePointers = (paging: Paging | undefined): string[] => {
  const kind = paging?.kind;
  switch (kind?.$case) {
    case 'pageNumber':
      return kind.value.pageCountPointer === '' ? [] : [kind.value.pageCountPointer];
    case 'offset':
      return kind.value.totalPointer === '' ? [] : [kind.value.totalPointer];
    case 'token':
      return [kind.value.tokenPointer];
    case 'nextUrl':
      return [kind.value.pointer];
    case undefined:
      return [];
  }
};

/** Statuses of a page after the first that end the reading. */
export const endStatusOf = (paging: Paging | undefined, page: number): readonly number[] =>
  page === 0 ? [] : (paging?.kind?.value.endStatus ?? []);

/** The most pages that may have rows. */
export const maxPagesOf = (paging: Paging | undefined): number => paging?.kind?.value.maxPages || DEFAULT_MAX_PAGES;

const nextUrl = (named: string, { url }: PageRead, path: string): Place => {
  const next = URL.canParse(named, url) ? new URL(named, url) : undefined;
  if (next?.origin !== url.origin) throw stageError('NEXT_URL_REFUSED', { path });
  return { url: next };
};

const isReached = (count: number, limit: string | null | undefined): boolean =>
  limit !== null && limit !== undefined && /^\d+$/.test(limit) && count >= Number(limit);

const follow = (kind: Kind, read: PageRead, path: string): Place | undefined => {
  const [found] = read.pagingValues;
  switch (kind.$case) {
    case 'pageNumber':
      if (isReached(read.page + 1, found)) return undefined;
      return { query: { [kind.value.parameter]: String(kind.value.first + read.page + 1) } };
    case 'offset':
      return isReached(read.received, found) ? undefined : { query: offsetQuery(kind.value, read.received) };
    case 'token':
      return found === null || found === undefined || found === '' ? undefined : { query: { [kind.value.parameter]: found } };
    case 'nextUrl':
      return found === null || found === undefined || found === '' ? undefined : nextUrl(found, read, path);
  }
};

/** Refuses an empty page before the rows that the server says it has: what it did not give would be lost in silence. */
export const checkTotal = (
  paging: Paging | undefined,
  { rowCount, received, pagingValues }: Omit<PageRead, 'page' | 'url'>,
  path: string,
): void => {
  const [total] = pagingValues;
  if (paging?.kind?.$case !== 'offset' || rowCount > 0 || !total || !/^\d+$/.test(total)) return;
  if (BigInt(received) < BigInt(total)) throw stageError('ROWS_FEWER', { path, total: Number(total), count: received });
};

/** The place of the page after one that was read; undefined at the end. A page without rows is the end, one with few is not. */
export const nextPlace = (paging: Paging | undefined, read: PageRead, path: string): Place | undefined =>
  paging?.kind && read.rowCount > 0 ? follow(paging.kind, read, path) : undefined;
