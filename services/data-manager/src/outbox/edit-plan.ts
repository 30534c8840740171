// From the edits of a request to the overlay that they make.
import type { ModifieRequest } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { Cell } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { fail } from '@lethe/grpc/errors';
import { checkKey, checkValues, type EditProblem, type Values } from '../domain/edits.ts';
import { fromCell } from './cells.ts';
import type { EditedRow } from './overlay.ts';

/** The edits as an overlay, the id that the next added row gets, and of each row the place in the request that made it and the columns that it sets. */
export type EditPlan = {
  edited: Map<bigint, Values | null>;
  nextRowId: bigint;
  fields: Map<bigint, string>;
  set: Map<bigint, ReadonlySet<string>>;
};

const ROW_ID = /^\d{1,18}$/;

/** The ids of existing rows that the edits name. */
export const namedRows = (request: ModifieRequest): string[] =>
  request.edits.flatMap(({ edit }) => {
    if (edit?.$case === 'deleteRowId') return [edit.value];
    return edit?.$case === 'update' ? [edit.value.rowId] : [];
  });

/** The values of a row with some cells replaced, and the cells that name no column. */
const withCells = (
  columns: readonly Column[],
  before: Values,
  cells: Record<string, Cell>,
): { values: (string | null | undefined)[]; unknown: string[] } => ({
  values: columns.map((column, index) =>
    Object.hasOwn(cells, column.name) ? fromCell(cells[column.name], column) : (before[index] ?? null),
  ),
  unknown: Object.keys(cells).filter((name) => !columns.some((column) => column.name === name)),
});

/** Applies the edits to the rows that they name. All problems are reported at once; nothing is changed then. */
export const planEdits = (
  request: ModifieRequest,
  { columns, key, present, nextRowId }: { columns: Column[]; key: readonly string[]; present: Map<string, Values>; nextRowId: bigint },
): EditPlan => {
  const problems: EditProblem[] = [];
  const edited = new Map<bigint, Values | null>();
  const fields = new Map<bigint, string>();
  const set = new Map<bigint, ReadonlySet<string>>();
  let next = nextRowId;
  const put = (rowId: bigint, values: readonly (string | null | undefined)[], names: readonly string[], field: string): void => {
    const found = checkValues(columns, values, field);
    const checked = values.map((value) => value ?? null);
    problems.push(...found, ...(found.length === 0 ? checkKey(columns, key, checked, field) : []));
    edited.set(rowId, checked);
    fields.set(rowId, field);
    set.set(rowId, new Set([...(set.get(rowId) ?? []), ...names]));
  };
  request.edits.forEach(({ edit }, index) => {
    const field = `edits[${index}]`;
    if (!edit) return void problems.push({ field, rule: 'EDIT_EMPTY', description: 'an edit adds, updates or deletes' });
    if (edit.$case === 'add') {
      put(
        next,
        edit.value.cells.map((cell, at) => fromCell(cell, columns[at] ?? (columns[0] as Column))),
        columns.map(({ name }) => name),
        `${field}.add.cells`,
      );
      next += 1n;
      return undefined;
    }
    const rowId = edit.$case === 'update' ? edit.value.rowId : edit.value;
    const before = ROW_ID.test(rowId) ? (edited.get(BigInt(rowId)) ?? present.get(rowId)) : undefined;
    if (!before || edited.get(BigInt(rowId)) === null)
      throw fail(
        'ROW_UNKNOWN',
        { row_id: rowId },
        { fields: [{ field, rule: 'ROW_UNKNOWN', description: 'the entry has no row of this id' }] },
      );
    if (edit.$case === 'deleteRowId') edited.set(BigInt(rowId), null);
    else {
      const { values, unknown } = withCells(columns, before, edit.value.cells);
      for (const name of unknown)
        problems.push({ field: `${field}.update.cells["${name}"]`, rule: 'COLUMN_UNKNOWN', description: 'the entry has no such column' });
      put(BigInt(rowId), values, Object.keys(edit.value.cells), `${field}.update.cells`);
    }
    return undefined;
  });
  if (problems.length > 0) throw fail('EDIT_INVALID', {}, { fields: problems });
  return { edited, nextRowId: next, fields, set };
};

/** The overlay with further edits on top. */
export const mergeEdits = (known: EditedRow[], edited: Map<bigint, Values | null>): EditedRow[] => {
  const merged = new Map(known.map(({ rowId, cells }) => [rowId, cells]));
  for (const [rowId, cells] of edited) merged.set(rowId, cells);
  return [...merged].map(([rowId, cells]) => ({ rowId, cells }));
};
