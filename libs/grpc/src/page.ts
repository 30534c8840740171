// Keyset pages: a token holds the last key and a hash of the list's arguments.
import { clearField, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { CallContext } from './context.ts';
import { fail } from './errors.ts';
import { createHash } from 'node:crypto';

const DEFAULT_SIZE = 50;
const MAX_SIZE = 1000;
const MAX_BYTES = 1024 * 1024;

/** The page asked for: at most `limit` items, after the key `after` ('' = from the start). */
export type Page = { limit: number; after: string; argumentsHash: string };

const argumentsHash = (ctx: CallContext): string => {
  const message = fromBinary(ctx.method.input, ctx.requestBytes);
  for (const field of ctx.method.input.fields) if (field.name === 'page_size' || field.name === 'page_token') clearField(message, field);
  return createHash('sha256')
    .update(ctx.method.input.typeName)
    .update(toBinary(ctx.method.input, message))
    .digest('base64url')
    .slice(0, 22);
};

/** What the keys of most lists are. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Reads size and token of a list request. A size of 0 is 50, above 1,000 is 1,000; a token of another list is refused, and so is one whose key is
 * none: a token is made by the service, but it comes from outside.
 */
export const openPage = (ctx: CallContext, request: { pageSize: number; pageToken: string }, key = UUID): Page => {
  const hash = argumentsHash(ctx);
  const limit = Math.min(request.pageSize === 0 ? DEFAULT_SIZE : request.pageSize, MAX_SIZE);
  if (request.pageToken === '') return { limit, after: '', argumentsHash: hash };
  const [sent, after] = Buffer.from(request.pageToken, 'base64url').toString().split('\n');
  if (sent !== hash || after === undefined || !key.test(after)) throw fail('PAGE_TOKEN_MISMATCH');
  return { limit, after, argumentsHash: hash };
};

/** The token for what follows a key. */
export const pageToken = (page: Page, lastKey: string): string => Buffer.from(`${page.argumentsHash}\n${lastKey}`).toString('base64url');

/**
 * Cuts a page from its items, of which one more than `limit` was read: by count and by 1 MiB.
 * Returns the items and the token for the next page, '' after the last.
 */
export const closePage = <Item>(
  page: Page,
  items: Item[],
  keyOf: (item: Item) => string,
  codec: { encode: (item: Item) => { finish: () => Uint8Array } },
): { items: Item[]; nextPageToken: string } => {
  const kept: Item[] = [];
  let sizeBytes = 0;
  for (const item of items.slice(0, page.limit)) {
    sizeBytes += codec.encode(item).finish().length;
    if (kept.length > 0 && sizeBytes > MAX_BYTES) break;
    kept.push(item);
  }
  const last = kept.at(-1);
  return { items: kept, nextPageToken: last !== undefined && kept.length < items.length ? pageToken(page, keyOf(last)) : '' };
};
