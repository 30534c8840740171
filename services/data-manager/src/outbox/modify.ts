// What edits make of an entry: its rows with them, and what the gate says of those.
import type { ModifieRequest } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { Entry_State, PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { ExecutionSpec } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { fail } from '@lethe/grpc/errors';
import type { RunDeps } from '../deps.ts';
import type { EditProblem, Values } from '../domain/edits.ts';
import type { Engine } from '../engine/engine.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier } from '../plan/identifiers.ts';
import { columnType, writeTextSql } from '../plan/types.ts';
import { editsOf, entriesOf } from '../store/entries.ts';
import type { EntryRow } from '../store/tables.ts';
import { cellPath, mergeEdits, namedRows, planEdits, type EditPlan } from './edit-plan.ts';
import { gateBaseOf, measureTable } from './measure.ts';
import { columnsOf, overlayQuery, type EditedRow, type OpenEntry } from './overlay.ts';
import { brokenReferences, readKeys, type ResultReference } from './references.ts';
import { repeatedKeys, rowRules, type RowRule } from './row-rules.ts';
import { orphanSql } from '../privacy/gate.ts';
import { withEntry } from './with-entry.ts';

/** An entry with further edits, measured. */
export type MeasuredEdits = { plan: EditPlan; overlay: EditedRow[]; rowCount: number; contentHash: string; privacy: PrivacyResult };

/** A reference of the edited table, and the rows that it may lead to. */
type Parent = { reference: ResultReference; query: string };

// What a response can show.
const MAX_PROBLEMS = 50;

const readRows = async (engine: Engine, rows: string, columns: Column[], ids: string[]): Promise<Map<string, Values>> => {
  const wanted = ids.filter((id) => /^\d{1,18}$/.test(id));
  if (wanted.length === 0) return new Map();
  const texts = columns.map((column) => writeTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB)).join(', ');
  const found = await engine.sql(`SELECT row_id, ${texts} FROM (${rows}) WHERE row_id IN (${wanted.join(', ')})`);
  return new Map(found.rows.map(([rowId, ...values]) => [rowId ?? '', values]));
};

/** References to rows that are not there, of the rows in which an edit set the reference: what another edit or row left behind is the gate's to tell. */
const referenceChecks = (plan: EditPlan, parents: readonly Parent[], place: (name: string) => number) =>
  parents.flatMap(({ reference, query }) => {
    const setBy = [...plan.set].filter(([, names]) => reference.columns.some((name) => names.has(name))).map(([rowId]) => rowId);
    if (setBy.length === 0) return [];
    return {
      rule: 'REFERENCE_UNKNOWN',
      at: place(reference.columns[0] ?? ''),
      broken: `row_id IN (${setBy.join(', ')}) AND ${orphanSql(reference, query)}`,
      sentence: `the table ${reference.referencedTable} has no row that ${reference.columns.join(', ')} refers to`,
    };
  });

/** Values that an edit set and that cannot be read as their type: they would be NULL. */
const valueChecks = (plan: EditPlan, columns: readonly Column[]) =>
  columns.flatMap(({ name }, at) => {
    const setBy = [...plan.set].filter(([rowId, names]) => names.has(name) && (plan.edited.get(rowId)?.[at] ?? null) !== null);
    if (setBy.length === 0) return [];
    return {
      rule: 'CELL_TYPE',
      at,
      broken: `row_id IN (${setBy.map(([rowId]) => rowId).join(', ')}) AND ${quoteIdentifier(name)} IS NULL`,
      sentence: `the cell of column ${name} is not of its datatype`,
    };
  });

/** What is wrong with the rows that the edits made: the rules of the table, its key, and references to rows that are not there. */
const checkEdited = async (
  { engine }: OpenEntry,
  plan: EditPlan,
  rows: string,
  { rules, key, columns, parents }: { rules: RowRule[]; key: readonly string[]; columns: readonly Column[]; parents: Parent[] },
): Promise<void> => {
  const ids = [...plan.fields.keys()].filter((id) => plan.edited.get(id) !== null);
  const place = (name: string): number => columns.findIndex((column) => column.name === name);
  const checks = [
    ...rules.map(({ rule, column, broken, sentence }) => ({ rule, at: place(column), broken, sentence })),
    ...referenceChecks(plan, parents, place),
    ...valueChecks(plan, columns),
  ];
  const problems: EditProblem[] = [];
  if (ids.length > 0 && checks.length > 0) {
    const flags = checks.map(({ broken }, index) => `(${broken}) AS _broken${index}`).join(', ');
    const any = checks.map((_, index) => `_broken${index}`).join(' OR ');
    const found = await engine.sql(
      `SELECT * FROM (SELECT row_id, ${flags} FROM (${rows}) AS _rows WHERE row_id IN (${ids.join(', ')})) WHERE ${any} ORDER BY row_id LIMIT ${MAX_PROBLEMS}`,
    );
    for (const [rowId, ...broken] of found.rows)
      for (const [index, check] of checks.entries())
        if (broken[index] === 'true')
          problems.push({
            field: cellPath(plan.fields.get(BigInt(rowId ?? 0)) ?? 'edits', columns[check.at]?.name ?? '', check.at),
            rule: check.rule,
            description: check.sentence,
          });
  }
  const repeatedCount = key.length === 0 ? 0 : await repeatedKeys(engine, rows, key);
  if (repeatedCount > 0)
    problems.push({ field: 'edits', rule: 'KEY_TWICE', description: `${repeatedCount} keys would occur twice: ${key.join(', ')}` });
  if (problems.length > 0) throw fail('EDIT_INVALID', {}, { fields: problems.slice(0, MAX_PROBLEMS) });
};

/** The rows of the entry with its edits, and of the other tables that keys lead from or to it, as they are now. */
const rowsByTable = async (
  { store }: RunDeps,
  open: OpenEntry,
  { entry, rows }: { entry: EntryRow; rows: string },
  references: readonly ResultReference[],
) => {
  const named = new Set(references.flatMap(({ table, referencedTable }) => [table, referencedTable]));
  const queries = new Map([[entry.table, rows]]);
  for (const other of await entriesOf(store.db, entry.runId))
    if (named.has(other.table) && other.id !== entry.id)
      queries.set(other.table, await overlayQuery(open, other, await editsOf(store.db, other.id)));
  return queries;
};

/** Lays the edits of a request over an entry and measures its rows with them. Nothing is changed. */
export const measureEdits = (
  deps: RunDeps,
  { entry, request, spec, signal }: { entry: EntryRow; request: ModifieRequest; spec: ExecutionSpec; signal: AbortSignal },
): Promise<MeasuredEdits> => {
  const columns = columnsOf(entry);
  const table = spec.plan?.results.find(({ name }) => name === entry.table);
  return withEntry(deps, entry, signal, async (open) => {
    const { engine } = open;
    const keys = await readKeys(open.folder);
    const key = keys.keys.find((candidate) => candidate.table === entry.table)?.columns ?? [];
    const known = await editsOf(deps.store.db, entry.id);
    const present = await readRows(engine, await overlayQuery(open, entry, known), columns, namedRows(request));
    const plan = planEdits(request, { columns, key, present, nextRowId: entry.nextRowId });
    const overlay = mergeEdits(known, plan.edited);
    const rows = await overlayQuery(open, entry, overlay);
    const references = keys.references.filter(({ table: from, referencedTable }) => [from, referencedTable].includes(entry.table));
    const queries = await rowsByTable(deps, open, { entry, rows }, references);
    const parents = references
      .filter(({ table: from }) => from === entry.table)
      .map((reference) => ({ reference, query: queries.get(reference.referencedTable) ?? rows }));
    await checkEdited(open, plan, rows, { rules: table ? rowRules(table, columns, keys) : [], key, columns, parents });
    const before = PrivacyResult.decode(entry.privacy);
    const { rowCount, contentHash, privacy } = await measureTable(engine, {
      rows,
      columns,
      requirement: table?.privacy,
      base: gateBaseOf(before),
    });
    const broken = await brokenReferences(engine, references, queries);
    privacy.violations.push(
      ...broken.map((found) => (found.table === entry.table ? found.sentence : `Table ${found.table}: ${found.sentence}`)),
    );
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
