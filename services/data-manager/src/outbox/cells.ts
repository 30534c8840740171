// Values between the wire and the engine's text.
import type { Cell } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { BaseType, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { NullValue } from '@lethe/contracts/gen/google/protobuf/struct';

/** A text of the engine as a cell of the column's type. */
export const toCell = (text: string | null, column: Column): Cell => {
  if (text === null) return { value: { $case: 'null', value: NullValue.NULL_VALUE } };
  switch (column.type?.base) {
    case BaseType.BOOLEAN:
      return { value: { $case: 'bool', value: text === 'true' } };
    case BaseType.INTEGER:
      return { value: { $case: 'int64', value: BigInt(text) } };
    case BaseType.DOUBLE:
      return { value: { $case: 'double', value: Number(text === 'inf' ? 'Infinity' : text === '-inf' ? '-Infinity' : text) } };
    default:
      return { value: { $case: 'text', value: text } };
  }
};

const CASES: Partial<Record<BaseType, string>> = { [BaseType.BOOLEAN]: 'bool', [BaseType.INTEGER]: 'int64', [BaseType.DOUBLE]: 'double' };

/** A cell as the engine's text; undefined where its kind is not the column's, or it has no value. */
export const fromCell = (cell: Cell | undefined, column: Column): string | null | undefined => {
  const value = cell?.value;
  if (!value) return undefined;
  if (value.$case === 'null') return null;
  if (value.$case !== (CASES[column.type?.base ?? BaseType.UNSPECIFIED] ?? 'text')) return undefined;
  return String(value.value);
};
