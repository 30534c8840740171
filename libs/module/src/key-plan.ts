// Which keys are generated, and which foreign keys follow them.
import { KeyConflict, type ForeignKeyRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role, type Column, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';

/** Types that can hold the keys 1, 2, … */
const holdsNumbers = ({ type }: Column): boolean =>
  type?.base === BaseType.INTEGER || type?.base === BaseType.STRING || (type?.base === BaseType.DECIMAL && type.scale === 0);

// A made-up number there would be measured, and published, as what is true of a person.
const saysSomethingOfPeople = ({ role }: Column): boolean => role === Role.QUASI_IDENTIFYING || role === Role.SENSITIVE;

/**
 * The column that GENERATE_KEYS fills: the last key column that can hold a number, is in no foreign key, and is neither quasi-identifying nor sensitive.
 * Undefined for other rules.
 */
export const generatedKeyColumn = (table: Table): string | undefined => {
  if (table.primaryKey?.conflict !== KeyConflict.GENERATE_KEYS) return undefined;
  const foreign = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
  return table.primaryKey.columns.findLast((name) => {
    const column = table.columns.find((candidate) => candidate.name === name);
    return column !== undefined && holdsNumbers(column) && !saysSomethingOfPeople(column) && !foreign.has(name);
  });
};

/** A foreign key at work. `follows` is the referencing column that takes over the key which the referenced table generates. */
export type ForeignKeyPlan = { table: string; index: number; rule: ForeignKeyRule; follows: string | undefined };

/** The foreign keys of all tables in their order. `generated` returns the column that a table generates, if it does. */
export const planForeignKeys = (tables: readonly Table[], generated: (table: string) => string | undefined): ForeignKeyPlan[] =>
  tables.flatMap((table) =>
    table.foreignKeys.map((rule, index) => {
      const column = generated(rule.referencedTable);
      const position = column === undefined ? -1 : rule.referencedColumns.indexOf(column);
      return { table: table.name, index, rule, follows: position < 0 ? undefined : rule.columns[position] };
    }),
  );
