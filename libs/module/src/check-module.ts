// What a module, and a plan, must be beyond their shape.
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { ProtocolEntry } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { Role, type Module, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { checkAnonymization } from './check-anonymization.ts';
import { checkColumn } from './check-column.ts';
import { checkKeys } from './check-keys.ts';
import { checkRead } from './check-read.ts';
import { checkUploads } from './check-uploads.ts';
import { NAME_PATTERN } from './fields/field.ts';
import { MAX_RANK } from './fields/protocol.ts';
import { columnsOfSource, placeOf, type SourcePlace } from './source-place.ts';
import { collector, type Report, type Violation } from './violation.ts';

const NAME = new RegExp(NAME_PATTERN);
/** Names that stages add to the columns of a table. */
const RESERVED = ['row_id'];

type Named = readonly { name: string }[];

// The engine compares names without case, so two that differ in case alone are one.
const isTwice = (all: Named, index: number): boolean =>
  all.findIndex(({ name }) => name.toLowerCase() === all[index]?.name.toLowerCase()) !== index;

/** The name at `index` of `all`. `what` is how a message says it. */
type NamePlace = { all: Named; index: number; what: string; pointer: string };

const checkName = ({ all, index, what, pointer }: NamePlace, report: Report): void => {
  const name = all[index]?.name ?? '';
  if (!NAME.test(name))
    report(`${pointer}/name`, 'NAME_MALFORMED', 'a name is a letter followed by at most 62 letters, digits or underscores');
  else if (isTwice(all, index))
    report(`${pointer}/name`, 'NAME_TWICE', `the ${what} occurs twice; names that differ in case alone count as the same`);
};

/** Checks tables: names, columns, keys. */
export const checkTables = (tables: readonly Table[], report: Report): void => {
  tables.forEach((table, index) => {
    const pointer = `/tables/${index}`;
    checkName({ all: tables, index, what: `table ${table.name}`, pointer }, report);
    table.columns.forEach((column, place) => {
      const at = `${pointer}/columns/${place}`;
      checkName({ all: table.columns, index: place, what: `column ${column.name} of table ${table.name}`, pointer: at }, report);
      if (RESERVED.includes(column.name.toLowerCase()))
        report(`${at}/name`, 'NAME_RESERVED', `the column name ${column.name} of table ${table.name} is taken by the suite`);
      checkColumn(table, column, at, report);
    });
  });
  checkKeys(tables, report);
};

/** Checks that each column has a role. */
export const checkRoles = (tables: readonly Table[], report: Report): void =>
  tables.forEach(({ name, columns }, index) =>
    columns.forEach((column, place) => {
      if (column.role === Role.UNSPECIFIED)
        report(`/tables/${index}/columns/${place}/role`, 'ROLE_MISSING', `the column ${column.name} of table ${name} has no role`);
    }),
  );

/** A source must have the key, without which its rows are of nobody; any other column may be another source's. */
const checkSourceColumns = (table: Table, { rank, sourceColumns }: SourcePlace, pointer: string, report: Report): void => {
  if (sourceColumns.length === 0) return;
  const of = `source ${rank} of table ${table.name}`;
  if (new Set(sourceColumns).size < sourceColumns.length) report(pointer, 'NAME_TWICE', `${of} names a column twice`);
  for (const name of sourceColumns)
    if (!table.columns.some((column) => column.name === name))
      report(pointer, 'COLUMN_UNKNOWN', `${of} names the column ${name}, which the table does not have`);
  for (const name of table.primaryKey?.columns ?? [])
    if (!sourceColumns.includes(name)) report(pointer, 'KEY_COLUMN_MISSING', `${of} lacks the column ${name} of the primary key`);
};

/** Checks the sources of tables: that each has a table, and a rank of its own in it. */
export const checkSources = (tables: readonly Table[], entries: readonly ProtocolEntry[], report: Report): void => {
  const seen = new Set<string>();
  entries.forEach((entry, index) => {
    const pointer = `/protocol/${index}`;
    const place = placeOf(entry);
    const { table, rank } = place;
    const known = tables.find(({ name }) => name === table);
    if (known) checkSourceColumns(known, place, `${pointer}/sourceColumns`, report);
    else report(`${pointer}/table`, 'TABLE_UNKNOWN', `a source names a missing table ${table}`);
    if (rank < 1 || rank > MAX_RANK)
      report(`${pointer}/rank`, 'RANK_MISSING', `a source of table ${table} has no rank within 1 to ${MAX_RANK}`);
    if (seen.has(`${table}/${rank}`)) report(`${pointer}/rank`, 'RANK_TWICE', `two sources of table ${table} have rank ${rank}`);
    seen.add(`${table}/${rank}`);
  });
};

const checkProtocol = (module: Module, report: Report): void => {
  const entries = module.protocol?.entries ?? [];
  checkSources(module.tables, entries, report);
  entries.forEach((entry, index) => {
    const { table, collect } = entry;
    if (!collect || collect.$case === 'script') return;
    const pointer = `/protocol/${index}`;
    checkRead(collect, `${pointer}/${collect.$case}`, report);
    if (collect.value.connectionId === '') report(pointer, 'CONNECTION_MISSING', `a source of table ${table} names no connection`);
    const known = module.tables.find(({ name }) => name === table);
    for (const name of Object.keys(collect.value.columns))
      if (known && !known.columns.some((column) => column.name === name))
        report(pointer, 'COLUMN_UNKNOWN', `the table ${table} has no column ${name}`);
      else if (known && !columnsOfSource(known, entry).includes(name))
        report(pointer, 'COLUMN_UNKNOWN', `a source of table ${table} maps the column ${name}, which \`sourceColumns\` does not name`);
  });
};

/** Checks a module as a whole; a task may still add sources, uploads, steps and rules. Empty = nothing is wrong. */
export const checkModule = (module: Module): Violation[] => {
  const { report, violations } = collector();
  checkTables(module.tables, report);
  checkRoles(module.tables, report);
  checkProtocol(module, report);
  checkUploads(module.tables, module.upload?.tables ?? [], (pointer, rule, message) => {
    // A transform of the task may write the table, so an unknown one is a matter of the release.
    if (rule !== 'TABLE_UNKNOWN') report(pointer, rule, message);
  });
  checkAnonymization(
    {
      tables: module.tables,
      steps: module.anonymization?.steps ?? [],
      hierarchies: module.anonymization?.hierarchies ?? [],
      sources: module.tables,
    },
    // Steps may come from the task, so an identifying column without one is a matter of the release.
    (pointer, rule, message) => {
      if (rule !== 'IDENTIFYING_PUBLISHED') report(pointer, rule, message);
    },
  );
  return violations;
};

/** What a module must not say although a run could carry it out; whether a bound or a replacement can be read says the engine that reads it. */
const OF_MODULES_ALONE = new Set(['VALUE_MALFORMED', 'RANGE_TWICE', 'RANGE_REVERSED', 'REPLACEMENT_OUT_OF_RANGE']);

/** Checks a plan for what no run could carry out. Empty for a plan that a run can begin with. */
export const checkPlan = ({ tables, sources }: EffectivePlan): Violation[] => {
  const { report, violations } = collector();
  checkTables(tables, report);
  checkSources(tables, sources, report);
  return violations.filter(({ rule }) => !OF_MODULES_ALONE.has(rule));
};
