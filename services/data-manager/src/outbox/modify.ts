// What edits make of an entry: its rows with them, and what the gate says of those.
import type { ModifieRequest } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { Entry_State, PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { ExecutionSpec } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { fail } from '@lethe/grpc/errors';
import type { RunDeps } from '../deps.ts';
import type { Values } from '../domain/edits.ts';
import type { Engine } from '../engine/engine.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier, quoteNames } from '../plan/identifiers.ts';
import { columnType, writeTextSql } from '../plan/types.ts';
import { editsOf, entriesOf } from '../store/entries.ts';
import type { EntryRow } from '../store/tables.ts';
import { mergeEdits, namedRows, planEdits, type EditPlan } from './edit-plan.ts';
import { gateBaseOf, measureTable } from './measure.ts';
import { columnsOf, overlayQuery, type EditedRow, type OpenEntry } from './overlay.ts';
import { brokenReferences, readReferences } from './references.ts';
import { withEntry } from './with-entry.ts';

/** An entry with further edits, measured. */
export type MeasuredEdits = { plan: EditPlan; overlay: EditedRow[]; rowCount: number; contentHash: string; privacy: PrivacyResult };

const readRows = async (engine: Engine, rows: string, columns: Column[], ids: string[]): Promise<Map<string, Values>> => {
  const wanted = ids.filter((id) => /^\d{1,18}$/.test(id));
  if (wanted.length === 0) return new Map();
  const texts = columns.map((column) => writeTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB)).join(', ');
  const found = await engine.sql(`SELECT row_id, ${texts} FROM (${rows}) WHERE row_id IN (${wanted.join(', ')})`);
  return new Map(found.rows.map(([rowId, ...values]) => [rowId ?? '', values]));
};

const checkUnique = async (engine: Engine, rows: string, key: readonly string[]): Promise<void> => {
  if (key.length === 0) return;
  const { rows: counted } = await engine.sql(
    `SELECT count(*) FROM (SELECT 1 FROM (${rows}) GROUP BY ${quoteNames(key)} HAVING count(*) > 1)`,
  );
  const repeatedCount = Number(counted[0]?.[0] ?? 0);
  if (repeatedCount > 0)
    throw fail(
      'EDIT_INVALID',
      {},
      { fields: [{ field: 'edits', rule: 'KEY_TWICE', description: `${repeatedCount} keys would occur twice` }] },
    );
};

/** The table's rules, and its key where its columns are still there. */
const rulesOf = (spec: ExecutionSpec, entry: EntryRow, columns: Column[]): { table: Table | undefined; key: string[] } => {
  const table = spec.plan?.results.find(({ name }) => name === entry.table);
  const key = table?.primaryKey?.columns ?? [];
  return { table, key: key.every((name) => columns.some((column) => column.name === name)) ? key : [] };
};

/** What the edits do to keys that lead from or to the entry's table, over the rows of the run's other tables as they are now. */
const referenceViolations = async ({ store }: RunDeps, open: OpenEntry, entry: EntryRow, rows: string): Promise<string[]> => {
  const all = await readReferences(open.folder);
  const references = all.filter(({ table, referencedTable }) => [table, referencedTable].includes(entry.table));
  const named = new Set(references.flatMap(({ table, referencedTable }) => [table, referencedTable]));
  const queries = new Map([[entry.table, rows]]);
  for (const other of await entriesOf(store.db, entry.runId))
    if (named.has(other.table) && other.id !== entry.id)
      queries.set(other.table, await overlayQuery(open, other, await editsOf(store.db, other.id)));
  const broken = await brokenReferences(open.engine, references, queries);
  return broken.map(({ table, sentence }) => (table === entry.table ? sentence : `Table ${table}: ${sentence}`));
};

/** Lays the edits of a request over an entry and measures its rows with them. Nothing is changed. */
export const measureEdits = (
  deps: RunDeps,
  { entry, request, spec, signal }: { entry: EntryRow; request: ModifieRequest; spec: ExecutionSpec; signal: AbortSignal },
): Promise<MeasuredEdits> => {
  const columns = columnsOf(entry);
  const { table, key } = rulesOf(spec, entry, columns);
  return withEntry(deps, entry, signal, async (open) => {
    const { engine } = open;
    const known = await editsOf(deps.store.db, entry.id);
    const present = await readRows(engine, await overlayQuery(open, entry, known), columns, namedRows(request));
    const plan = planEdits(request, { columns, key, present, nextRowId: entry.nextRowId });
    const overlay = mergeEdits(known, plan.edited);
    const rows = await overlayQuery(open, entry, overlay);
    await checkUnique(engine, rows, key);
    const before = PrivacyResult.decode(entry.privacy);
    const { rowCount, contentHash, privacy } = await measureTable(engine, {
      rows,
      columns,
      requirement: table?.privacy,
      base: gateBaseOf(before),
    });
    privacy.violations.push(...(await referenceViolations(deps, open, entry, rows)));
    const { metric, loss, levels } = before;
    return { plan, overlay, rowCount, contentHash, privacy: { ...before, ...privacy, metric, loss, levels, stale: true } };
  });
};

/** The columns of an entry that the edits change. */
export const editedColumns = (entry: EntryRow, { overlay, plan, rowCount, contentHash, privacy }: MeasuredEdits) => ({
  state: Entry_State.STALE,
  version: entry.version + 1,
  rowCount: BigInt(rowCount),
  editedRowCount: BigInt(overlay.length),
  contentHash,
  privacy: Buffer.from(PrivacyResult.encode(privacy).finish()),
  nextRowId: plan.nextRowId,
});
