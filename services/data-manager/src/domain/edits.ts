// Edits of rows: what they make of a row, and what is wrong with them.
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { isValue } from '@lethe/module/datatype';

/** A row's values as text, in the order of the columns. */
export type Values = (string | null)[];

/** Something wrong with an edit: its path in the request, the rule, a sentence without values. */
export type EditProblem = { field: string; rule: string; description: string };

/** What is wrong with a row: the number of its values, and their types. */
export const checkValues = (columns: readonly Column[], values: readonly (string | null | undefined)[], field: string): EditProblem[] => {
  if (values.length !== columns.length)
    return [{ field, rule: 'CELL_COUNT', description: `a row has ${columns.length} cells, in the order of the columns` }];
  return columns.flatMap((column, index) => {
    const value = values[index];
    if (value === undefined)
      return [
        {
          field: `${field}[${index}]`,
          rule: 'CELL_KIND',
          description: `the cell of column ${column.name} has no value, or one of another kind`,
        },
      ];
    if (value === null || !column.type || isValue(value, column.type)) return [];
    return [{ field: `${field}[${index}]`, rule: 'CELL_TYPE', description: `the cell of column ${column.name} is not of its datatype` }];
  });
};

/** What is wrong with a row's key: a part of it is empty. */
export const checkKey = (columns: readonly Column[], key: readonly string[], values: Values, field: string): EditProblem[] =>
  key.flatMap((name) => {
    const index = columns.findIndex((column) => column.name === name);
    return index >= 0 && values[index] === null ? [{ field, rule: 'KEY_EMPTY', description: `the key column ${name} is empty` }] : [];
  });
