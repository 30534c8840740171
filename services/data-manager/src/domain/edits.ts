// Edits of rows: what they make of a row, and what is wrong with them.
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { isValue } from '@lethe/module/datatype';

/** A row's values as text, in the order of the columns. */
export type Values = (string | null)[];

/** Something wrong with an edit: its path in the request, the rule, a sentence without values. */
export type EditProblem = { field: string; rule: string; description: string };

/** A value that an edit sets: its column, its path in the request, and the value; undefined = none, or one of another kind. */
export type SetValue = { column: Column; field: string; value: string | null | undefined };

/** What is wrong with the values that an edit sets. What it leaves as it was is not looked at. */
export const checkValues = (set: readonly SetValue[]): EditProblem[] =>
  set.flatMap(({ column, field, value }) => {
    if (value === undefined)
      return [{ field, rule: 'CELL_KIND', description: `the cell of column ${column.name} has no value, or one of another kind` }];
    if (value === null || !column.type || isValue(value, column.type)) return [];
    return [{ field, rule: 'CELL_TYPE', description: `the cell of column ${column.name} is not of its datatype` }];
  });

/** What is wrong with a row's key: a part of it is empty. */
export const checkKey = (columns: readonly Column[], key: readonly string[], values: Values, field: string): EditProblem[] =>
  key.flatMap((name) => {
    const index = columns.findIndex((column) => column.name === name);
    return index >= 0 && values[index] === null ? [{ field, rule: 'KEY_EMPTY', description: `the key column ${name} is empty` }] : [];
  });
