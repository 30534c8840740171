// What each anonymization operation does to columns. An operation without an entry does not compile.
import { SuppressScope, type AnonymizationStep } from '@lethe/contracts/gen/lethe/module/v1/anonymization';

/** An operation of a step. */
export type Operation = NonNullable<AnonymizationStep['operation']>;

type OperationValue<C extends Operation['$case']> = Extract<Operation, { $case: C }>['value'];

/** The columns that an operation names, and what becomes of them. */
export type Effect = {
  columns: string[];
  /** The values are others than before. Tokens are no change in this sense: they keep equal values equal. */
  changed: string[];
  /** The values are tokens of a domain. */
  tokens: { columns: string[]; domain: string } | undefined;
  /** Nothing that names a person stays in these columns. */
  hidden: string[];
  /** The table does not have these columns any more. */
  removed: string[];
};

const EFFECTS: { [C in Operation['$case']]: (value: OperationValue<C>) => Effect } = {
  generalize: ({ columns }) => {
    const names = columns.map(({ column }) => column);
    return { columns: names, changed: names, tokens: undefined, hidden: [], removed: [] };
  },
  suppress: ({ scope, columns }) => ({
    columns,
    changed: scope === SuppressScope.RECORD ? [] : columns,
    tokens: undefined,
    hidden: scope === SuppressScope.COLUMN ? columns : [],
    removed: scope === SuppressScope.COLUMN ? columns : [],
  }),
  pseudonymize: ({ columns, domain }) => ({
    columns,
    changed: [],
    tokens: { columns, domain: domain || (columns[0] ?? '') },
    hidden: columns,
    removed: [],
  }),
};

/** The effect of an operation. */
export const effectOf = (operation: Operation): Effect =>
  // The compiler cannot tie the case to its value across the look-up.
  (EFFECTS[operation.$case] as (value: Operation['value']) => Effect)(operation.value);
