// From the edits of a request to the overlay that they make.
import type { ModifieRequest } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { Cell } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { fail } from '@lethe/grpc/errors';
import { checkKey, checkValues, type EditProblem, type SetValue, type Values } from '../domain/edits.ts';
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

/** The path of a cell below the cells of an edit: those of an update have names, those of a new row an order. */
export const cellPath = (cells: string, column: string, index: number): string =>
  cells.endsWith('.update.cells') ? `${cells}["${column}"]` : `${cells}[${index}]`;

/** The values of a row with some cells replaced, what is set, and the cells that name no column. */
const withCells = (
  columns: readonly Column[],
  before: Values,
  { cells, field }: { cells: Record<string, Cell>; field: string },
): { values: (string | null | undefined)[]; set: SetValue[]; unknown: string[] } => {
  const set = columns
    .filter(({ name }) => Object.hasOwn(cells, name))
    .map((column) => ({ column, field: cellPath(field, column.name, 0), value: fromCell(cells[column.name], column) }));
  const given = new Map(set.map(({ column, value }) => [column.name, value]));
  return {
    values: columns.map(({ name }, index) => (given.has(name) ? given.get(name) : (before[index] ?? null))),
    set,
    unknown: Object.keys(cells).filter((name) => !columns.some((column) => column.name === name)),
  };
};

/** The values of a new row, all of which are set; a problem where their number is not that of the columns. */
const fromCells = (columns: readonly Column[], cells: readonly Cell[], field: string): { set: SetValue[]; problems: EditProblem[] } => {
  const wrong = { field, rule: 'CELL_COUNT', description: `a row has ${columns.length} cells, in the order of the columns` };
  if (cells.length !== columns.length) return { set: [], problems: [wrong] };
  return {
    set: columns.map((column, at) => ({ column, field: cellPath(field, column.name, at), value: fromCell(cells[at], column) })),
    problems: [],
  };
};

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
  const put = (rowId: bigint, values: readonly (string | null | undefined)[], given: readonly SetValue[], field: string): void => {
    const found = checkValues(given);
    const checked = values.map((value) => value ?? null);
    problems.push(...found, ...(found.length === 0 ? checkKey(columns, key, checked, field) : []));
    edited.set(rowId, checked);
    fields.set(rowId, field);
    set.set(rowId, new Set([...(set.get(rowId) ?? []), ...given.map(({ column }) => column.name)]));
  };
  request.edits.forEach(({ edit }, index) => {
    const field = `edits[${index}]`;
    if (!edit) return void problems.push({ field, rule: 'EDIT_EMPTY', description: 'an edit adds, updates or deletes' });
    if (edit.$case === 'add') {
      const row = fromCells(columns, edit.value.cells, `${field}.add.cells`);
      problems.push(...row.problems);
      if (row.problems.length === 0)
        put(
          next,
          row.set.map(({ value }) => value),
          row.set,
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
      const path = `${field}.update.cells`;
      const { values, set: given, unknown } = withCells(columns, before, { cells: edit.value.cells, field: path });
      for (const name of unknown)
        problems.push({ field: `${path}["${name}"]`, rule: 'COLUMN_UNKNOWN', description: 'the entry has no such column' });
      put(BigInt(rowId), values, given, path);
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
