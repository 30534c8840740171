import { ExecutionSpec, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Entry_State as State, PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { ModifieRequest, ModifieResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { checkEtag } from '@lethe/grpc/etag';
import { mutate, replayOf } from '@lethe/db/mutate';
import { loadVisible } from '@lethe/grpc/visible';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { stateName } from '../domain/execution.ts';
import type { Values } from '../domain/edits.ts';
import type { Engine } from '../engine/engine.ts';
import { columnsOf, overlayQuery, type EditedRow } from '../outbox/overlay.ts';
import { withEntry } from '../outbox/with-entry.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier, quoteNames } from '../plan/identifiers.ts';
import { columnType, writeTextSql } from '../plan/types.ts';
import type { RunDeps } from '../deps.ts';
import { brokenReferences, readReferences } from '../outbox/references.ts';
import { measureTable } from '../outbox/measure.ts';
import { editsOf, entriesOf, findEntry, lockEntry } from '../store/entries.ts';
import { findExecution } from '../store/executions.ts';
import type { EntryRow } from '../store/tables.ts';
import { mergeEdits, namedRows, planEdits, type EditPlan } from '../app/edit-plan.ts';
import { auditEntry, entryView } from '../app/views.ts';

type Measured = { plan: EditPlan; overlay: EditedRow[]; rowCount: number; contentHash: string; privacy: PrivacyResult };

const EDITABLE = new Set<number>([State.READY, State.STALE]);

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
  const twice = Number(counted[0]?.[0] ?? 0);
  if (twice > 0)
    throw fail('EDIT_INVALID', {}, { fields: [{ field: 'edits', rule: 'KEY_TWICE', description: `${twice} keys would occur twice` }] });
};

/** The table's rules, and its key where its columns are still there. */
const rulesOf = (spec: ExecutionSpec, entry: EntryRow, columns: Column[]): { table: Table | undefined; key: string[] } => {
  const table = spec.plan?.results.find(({ name }) => name === entry.table);
  const key = table?.primaryKey?.columns ?? [];
  return { table, key: key.every((name) => columns.some((column) => column.name === name)) ? key : [] };
};

/** What the edits do to keys that lead from or to the entry's table, over the rows of the run's other tables as they are now. */
const referenceViolations = async (
  { store }: RunDeps,
  entry: EntryRow,
  rows: string,
  engine: Engine,
  folder: string,
  scratch: string,
): Promise<string[]> => {
  const all = await readReferences(folder);
  const references = all.filter(({ table, referencedTable }) => [table, referencedTable].includes(entry.table));
  const named = new Set(references.flatMap(({ table, referencedTable }) => [table, referencedTable]));
  const queries = new Map([[entry.table, rows]]);
  for (const other of await entriesOf(store.db, entry.runId))
    if (named.has(other.table) && other.id !== entry.id)
      queries.set(other.table, await overlayQuery(engine, folder, scratch, other, await editsOf(store.db, other.id)));
  const broken = await brokenReferences(engine, references, queries);
  return broken.map(({ table, sentence }) => (table === entry.table ? sentence : `Table ${table}: ${sentence}`));
};

const measure = (deps: RunDeps, request: ModifieRequest, ctx: CallContext, entry: EntryRow, spec: ExecutionSpec): Promise<Measured> => {
  const columns = columnsOf(entry);
  const { table, key } = rulesOf(spec, entry, columns);
  return withEntry(deps, entry, ctx.signal, async (engine, folder, scratch) => {
    const known = await editsOf(deps.store.db, entry.id);
    const present = await readRows(engine, await overlayQuery(engine, folder, scratch, entry, known), columns, namedRows(request));
    const plan = planEdits(request, columns, key, present, entry.nextRowId);
    const overlay = mergeEdits(known, plan.edited);
    const rows = await overlayQuery(engine, folder, scratch, entry, overlay);
    await checkUnique(engine, rows, key);
    const before = PrivacyResult.decode(entry.privacy);
    const base = { intoAnonymizing: Number(before.suppressionBaseCount), suppressed: Number(before.suppressedCount) };
    const { rowCount, contentHash, privacy } = await measureTable(engine, rows, columns, table?.privacy, base);
    privacy.violations.push(...(await referenceViolations(deps, entry, rows, engine, folder, scratch)));
    return {
      plan,
      overlay,
      rowCount,
      contentHash,
      privacy: { ...before, ...privacy, metric: before.metric, loss: before.loss, levels: before.levels, stale: true },
    };
  });
};

const changed = (entry: EntryRow, { overlay, plan, rowCount, contentHash, privacy }: Measured) => ({
  state: State.STALE,
  version: entry.version + 1,
  rowCount: BigInt(rowCount),
  editedRowCount: BigInt(overlay.length),
  contentHash,
  privacy: Buffer.from(PrivacyResult.encode(privacy).finish()),
  nextRowId: plan.nextRowId,
});

/** Edits rows of an entry, all or nothing; with `validate_only` it says what would come of it. */
export const modifie =
  (deps: RunDeps) =>
  async (request: ModifieRequest, ctx: CallContext): Promise<ModifieResponse> => {
    const entry = await loadVisible(ctx, 'entry', findEntry(deps.store.db, request.entryId));
    ctx.runId = entry.runId;
    const replay = await replayOf(deps.store, ctx, request.requestId);
    if (replay !== undefined) return replay as ModifieResponse;
    checkEtag(request.etag, entry.version);
    const execution = await findExecution(deps.store.db, entry.runId);
    if (!EDITABLE.has(entry.state) || execution?.state !== RunState.PREPARED)
      throw fail('ENTRY_STATE', { state: stateName((execution?.state ?? 0) as RunState) });
    const measured = await measure(deps, request, ctx, entry, ExecutionSpec.decode(execution.spec));
    if (request.validateOnly) return { entry: entryView({ ...entry, ...changed(entry, measured) }), after: measured.privacy };
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockEntry(tx, entry.id);
      // The edits were measured on this version; another one in between means another result.
      if (before.version !== entry.version) throw fail('ETAG_MISMATCH', {});
      if (!EDITABLE.has(before.state)) throw fail('ENTRY_STATE', { state: 'UPLOADING' });
      const rows = [...measured.plan.edited].map(([rowId, cells]) => ({
        entryId: entry.id,
        rowId,
        cells: cells === null ? null : JSON.stringify(cells),
      }));
      await tx
        .insertInto('edits')
        .values(rows)
        .onConflict((conflict) => conflict.columns(['entryId', 'rowId']).doUpdateSet((row) => ({ cells: row.ref('excluded.cells') })))
        .execute();
      const after = await tx
        .updateTable('entries')
        .set({ ...changed(before, measured), updateTime: deps.now() })
        .where('id', '=', entry.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return {
        response: { entry: entryView(after), after: measured.privacy },
        runId: entry.runId,
        before: auditEntry(before),
        after: auditEntry(after),
        revision: after.version,
      };
    });
  };
