// The keys of the tables: within a table, and between tables.
import { KeyConflict, NullReference, WithinSource, type ForeignKeyRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { mayBeEmpty } from './check-column.ts';
import type { Report } from './violation.ts';

const columnOf = (table: Table | undefined, name: string): Table['columns'][number] | undefined =>
  table?.columns.find((column) => column.name === name);

const checkPrimaryKey = (table: Table, pointer: string, report: Report): void => {
  const key = table.primaryKey;
  if (!key) return;
  for (const name of key.columns)
    if (!columnOf(table, name)) report(`${pointer}/primaryKey`, 'COLUMN_UNKNOWN', `the table ${table.name} has no column ${name}`);
  if (key.conflict === KeyConflict.SOURCE_PRIORITY && key.withinSource === WithinSource.UNSPECIFIED) {
    report(`${pointer}/withinSource`, 'WITHIN_SOURCE_MISSING', `SourcePriority of table ${table.name} needs a rule for rows of one source`);
  }
  if (key.conflict === KeyConflict.UNSPECIFIED)
    report(`${pointer}/primaryKeyConflict`, 'KEY_CONFLICT_MISSING', `the primary key of table ${table.name} has no strategy for conflicts`);
  if (key.conflict !== KeyConflict.GENERATE_KEYS) return;
  const numbers = key.columns.filter(
    (name) => columnOf(table, name)?.type?.base === BaseType.INTEGER || columnOf(table, name)?.type?.base === BaseType.STRING,
  );
  if (numbers.length === 0)
    report(
      `${pointer}/primaryKeyConflict`,
      'KEY_NOT_GENERABLE',
      `no column of the primary key of table ${table.name} can hold generated numbers`,
    );
};

const checkForeignKey = (tables: readonly Table[], table: Table, rule: ForeignKeyRule, pointer: string, report: Report): void => {
  const target = tables.find(({ name }) => name === rule.referencedTable);
  if (!target)
    return report(
      `${pointer}/reference/resource`,
      'TABLE_UNKNOWN',
      `a foreign key of table ${table.name} references a missing table ${rule.referencedTable}`,
    );
  if (rule.columns.length !== rule.referencedColumns.length)
    return report(pointer, 'KEY_LENGTH', `a foreign key of table ${table.name} has more columns on one side`);
  rule.columns.forEach((name, index) => {
    const [own, other] = [columnOf(table, name), columnOf(target, rule.referencedColumns[index] ?? '')];
    if (!own) report(`${pointer}/columnReference`, 'COLUMN_UNKNOWN', `the table ${table.name} has no column ${name}`);
    else if (!other)
      report(
        `${pointer}/reference/columnReference`,
        'COLUMN_UNKNOWN',
        `the table ${target.name} has no column ${rule.referencedColumns[index] ?? ''}`,
      );
    else if (own.type?.base !== other.type?.base)
      report(pointer, 'KEY_TYPES', `a foreign key of table ${table.name} compares columns of different datatypes`);
  });
  const empty = rule.columns.some((name) => {
    const own = columnOf(table, name);
    return own !== undefined && mayBeEmpty(own);
  });
  if (empty && rule.nullReference === NullReference.UNSPECIFIED)
    report(
      `${pointer}/nullReference`,
      'NULL_REFERENCE_MISSING',
      `a foreign key of table ${table.name} may be empty, so nullReference is mandatory`,
    );
};

/** Checks the keys of all tables. */
export const checkKeys = (tables: readonly Table[], report: Report): void => {
  tables.forEach((table, index) => {
    checkPrimaryKey(table, `/tables/${index}`, report);
    table.foreignKeys.forEach((rule, place) => checkForeignKey(tables, table, rule, `/tables/${index}/foreignKeys/${place}`, report));
  });
};
