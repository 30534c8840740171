import { BaseType, Column, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { quoteIdentifier } from '../../plan/identifiers.ts';
import { stageError } from '../../domain/run-error.ts';

/** A table between two steps: a query that returns exactly these columns. A step makes another relation of it. */
export type Relation = { query: string; columns: Column[] };

/** The column that carries a row's id through the steps of a table whose keys have to be made to hold again; it is never written. */
export const ROW_COLUMN = Column.fromPartial({ name: '_row_id', type: { base: BaseType.INTEGER }, role: Role.INSENSITIVE });

/** The columns of a relation that are the table's own. */
export const ownColumns = ({ columns }: Relation): Column[] => columns.filter(({ name }) => name !== ROW_COLUMN.name);

/** The relation with some columns computed otherwise; `expressions` by column name, in terms of the relation's own columns. */
export const project = (relation: Relation, expressions: ReadonlyMap<string, string>): string => {
  const items = relation.columns.map(({ name }) => {
    const quoted = quoteIdentifier(name);
    const expression = expressions.get(name);
    return expression === undefined ? quoted : `${expression} AS ${quoted}`;
  });
  return `SELECT ${items.join(', ')} FROM (${relation.query})`;
};

/** The column of a relation. Throws COLUMN_UNKNOWN where there is none. */
export const columnOf = (table: string, relation: Relation, name: string): Column => {
  const found = relation.columns.find((column) => column.name === name);
  if (found === undefined) throw stageError('COLUMN_UNKNOWN', { table, column: name });
  return found;
};
