import { Row } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { ReadRowsRequest, ReadRowsResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { Role, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { etagOf } from '@lethe/grpc/etag';
import { closePage, openPage, type Page } from '@lethe/grpc/page';
import { loadVisible } from '@lethe/grpc/visible';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { toCell } from '../outbox/cells.ts';
import { columnsOf, overlayQuery } from '../outbox/overlay.ts';
import { withEntry } from '../outbox/with-entry.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier, quoteLiteral, quoteNames } from '../plan/identifiers.ts';
import { columnType, writeTextSql } from '../plan/types.ts';
import type { RunDeps } from '../deps.ts';
import { DELETED_STATES } from '../domain/entry.ts';
import { editsOf, findEntry } from '../store/entries.ts';

const filters = (columns: Column[], equals: Record<string, string>): string[] =>
  Object.entries(equals).map(([name, value]) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (!column)
      throw fail(
        'COLUMN_UNKNOWN',
        { column: name },
        { fields: [{ field: `equals["${name}"]`, rule: 'COLUMN_UNKNOWN', description: 'the entry has no such column' }] },
      );
    return `${writeTextSql(quoteIdentifier(name), columnType(column), DUCKDB)} = ${quoteLiteral(value)}`;
  });

/** The page's rows as text, in the order of their ids. */
const pageQuery = (rows: string, columns: Column[], request: ReadRowsRequest, page: Page): string => {
  const quasi = columns.filter(({ role }) => role === Role.QUASI_IDENTIFYING).map(({ name }) => name);
  const classSize = quasi.length > 0 ? `count(*) OVER (PARTITION BY ${quoteNames(quasi)})` : 'count(*) OVER ()';
  const sized = request.minClassSize > 0n ? `SELECT *, ${classSize} AS " class size" FROM (${rows})` : rows;
  const conditions = [
    ...filters(columns, request.equals),
    ...(request.minClassSize > 0n ? [`" class size" >= ${request.minClassSize}`] : []),
    ...(page.after === '' ? [] : [`row_id > ${BigInt(page.after)}`]),
  ];
  const texts = columns.map((column) => writeTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB)).join(', ');
  return `SELECT row_id, ${texts} FROM (${sized})${conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''} ORDER BY row_id LIMIT ${page.limit + 1}`;
};

/** A page of an entry's rows, edits included. */
export const readRows =
  (deps: RunDeps) =>
  async (request: ReadRowsRequest, ctx: CallContext): Promise<ReadRowsResponse> => {
    const entry = await loadVisible(ctx, 'entry', findEntry(deps.store.db, request.entryId));
    ctx.runId = entry.runId;
    if (DELETED_STATES.includes(entry.state)) throw fail('ROWS_GONE', { entry_id: entry.id });
    const page = openPage(ctx, request, /^\d{1,18}$/);
    const columns = columnsOf(entry);
    const edits = await editsOf(deps.store.db, entry.id);
    const found = await withEntry(deps, entry, ctx.signal, async (open) =>
      open.engine.sql(pageQuery(await overlayQuery(open, entry, edits), columns, request, page)),
    );
    const rows = found.rows.map(([rowId, ...values]) => ({
      rowId: rowId ?? '',
      cells: values.map((value, index) => toCell(value, columns[index] as Column)),
    }));
    const { items, nextPageToken } = closePage(page, rows, ({ rowId }) => rowId, Row);
    return { rows: items, nextPageToken, etag: etagOf(entry.version) };
  };
