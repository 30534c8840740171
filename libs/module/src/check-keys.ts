// The keys of the tables: within a table, and between tables.
import {
  KeyConflict,
  NullReference,
  WithinSource,
  type ForeignKeyRule,
  type PrimaryKeyRule,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { mayBeEmpty } from './check-column.ts';
import { generatedKeyColumn, planForeignKeys } from './key-plan.ts';
import type { Report } from './violation.ts';

const columnOf = (table: Table | undefined, name: string): Table['columns'][number] | undefined =>
  table?.columns.find((column) => column.name === name);

const CONFLICTS: Record<KeyConflict, (table: Table, key: PrimaryKeyRule, pointer: string, report: Report) => void> = {
  [KeyConflict.UNSPECIFIED]: ({ name }, _, pointer, report) =>
    report(`${pointer}/primaryKeyConflict`, 'KEY_CONFLICT_MISSING', `the primary key of table ${name} has no strategy for conflicts`),
  [KeyConflict.SOURCE_PRIORITY]: ({ name }, { withinSource }, pointer, report) => {
    if (withinSource === WithinSource.UNSPECIFIED)
      report(`${pointer}/withinSource`, 'WITHIN_SOURCE_MISSING', `SourcePriority of table ${name} needs a rule for rows of one source`);
  },
  [KeyConflict.DROP_ALL_CONFLICTING]: () => undefined,
  [KeyConflict.FILL]: ({ name }, { withinSource }, pointer, report) => {
    if (withinSource === WithinSource.LAST || withinSource === WithinSource.DROP)
      report(`${pointer}/withinSource`, 'WITHIN_SOURCE_UNUSED', `FillFromSources of table ${name} takes the first value of a source`);
  },
  [KeyConflict.GENERATE_KEYS]: (table, _, pointer, report) => {
    if (generatedKeyColumn(table) === undefined)
      report(
        `${pointer}/primaryKeyConflict`,
        'KEY_NOT_GENERABLE',
        `no column of the primary key of table ${table.name} can hold generated numbers, is in no foreign key, and is neither quasi-identifying nor sensitive`,
      );
  },
};

const checkPrimaryKey = (table: Table, pointer: string, report: Report): void => {
  const key = table.primaryKey;
  if (!key) return;
  if (key.columns.length === 0) report(`${pointer}/primaryKey`, 'KEY_EMPTY', `the primary key of table ${table.name} has no columns`);
  for (const name of key.columns)
    if (!columnOf(table, name)) report(`${pointer}/primaryKey`, 'COLUMN_UNKNOWN', `the table ${table.name} has no column ${name}`);
  CONFLICTS[key.conflict](table, key, pointer, report);
};

/** A foreign key of a table, and the pointer to it. */
type KeyPlace = { table: Table; rule: ForeignKeyRule; pointer: string };

const checkForeignKey = (tables: readonly Table[], { table, rule, pointer }: KeyPlace, report: Report): void => {
  const target = tables.find(({ name }) => name === rule.referencedTable);
  if (!target)
    return report(
      `${pointer}/reference/resource`,
      'TABLE_UNKNOWN',
      `a foreign key of table ${table.name} references a missing table ${rule.referencedTable}`,
    );
  if (rule.columns.length === 0) return report(pointer, 'KEY_EMPTY', `a foreign key of table ${table.name} has no columns`);
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
    return own !== undefined && mayBeEmpty(table, own);
  });
  if (empty && rule.nullReference === NullReference.UNSPECIFIED)
    report(
      `${pointer}/nullReference`,
      'NULL_REFERENCE_MISSING',
      `a foreign key of table ${table.name} may be empty, so nullReference is mandatory`,
    );
};

/** Keys that are generated anew change the columns which follow them; a rule that reads such a column as it was would be wrong. */
const checkFollowing = (tables: readonly Table[], report: Report): void => {
  const generated = new Map(tables.map((table) => [table.name, generatedKeyColumn(table)]));
  const plans = planForeignKeys(tables, (name) => generated.get(name));
  for (const plan of plans) {
    const { follows } = plan;
    if (follows === undefined) continue;
    const place = tables.findIndex(({ name }) => name === plan.table);
    const key = tables[place]?.primaryKey;
    const refuse = (message: string): void =>
      report(
        `/tables/${place}/foreignKeys/${plan.index}`,
        'KEY_FOLLOWS',
        `the column ${follows} of table ${plan.table} follows generated keys ${message}`,
      );
    if (key?.columns.includes(follows) && key.conflict !== KeyConflict.GENERATE_KEYS)
      refuse('and is in the primary key; that key needs GenerateKeys too');
    if (plans.some((other) => other !== plan && other.table === plan.table && other.rule.columns.includes(follows)))
      refuse('and cannot be in a second foreign key');
    if (plans.some(({ rule }) => rule.referencedTable === plan.table && rule.referencedColumns.includes(follows)))
      refuse('and cannot be referred to; refer to the table that generates them instead');
  }
};

/** Checks the keys of all tables. */
export const checkKeys = (tables: readonly Table[], report: Report): void => {
  tables.forEach((table, index) => {
    checkPrimaryKey(table, `/tables/${index}`, report);
    table.foreignKeys.forEach((rule, place) =>
      checkForeignKey(tables, { table, rule, pointer: `/tables/${index}/foreignKeys/${place}` }, report),
    );
  });
  checkFollowing(tables, report);
};
