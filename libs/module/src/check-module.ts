// What a module must be beyond its shape.
import type { Module, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { checkAnonymization } from './check-anonymization.ts';
import { checkColumn } from './check-column.ts';
import { checkKeys } from './check-keys.ts';
import { collector, type Report, type Violation } from './violation.ts';

const MAX_NAME_BYTES = 63;

/** Checks tables: names, columns, keys. */
export const checkTables = (tables: readonly Table[], report: Report): void => {
  tables.forEach((table, index) => {
    const pointer = `/tables/${index}`;
    if (tables.findIndex(({ name }) => name === table.name) !== index)
      report(`${pointer}/name`, 'NAME_TWICE', `the table ${table.name} occurs twice`);
    table.columns.forEach((column, place) => {
      if (table.columns.findIndex(({ name }) => name === column.name) !== place)
        report(`${pointer}/columns/${place}/name`, 'NAME_TWICE', `the column ${column.name} of table ${table.name} occurs twice`);
      checkColumn(column, `${pointer}/columns/${place}`, report);
    });
  });
  checkKeys(tables, report);
};

const checkProtocol = (module: Module, report: Report): void => {
  const seen = new Set<string>();
  (module.protocol?.entries ?? []).forEach((entry, index) => {
    const pointer = `/protocol/${index}`;
    const binding = entry.collect?.$case === 'script' ? entry.collect.value : undefined;
    const { table, rank } = binding ?? entry;
    const known = module.tables.find(({ name }) => name === table);
    if (!known) report(`${pointer}/table`, 'TABLE_UNKNOWN', `a source names a missing table ${table}`);
    if (rank < 1) report(`${pointer}/rank`, 'RANK_MISSING', `a source of table ${table} has no rank`);
    if (seen.has(`${table}/${rank}`)) report(`${pointer}/rank`, 'RANK_TWICE', `two sources of table ${table} have rank ${rank}`);
    seen.add(`${table}/${rank}`);
    if (!binding && entry.collect?.value.connectionId === '')
      report(pointer, 'CONNECTION_MISSING', `a source of table ${table} names no connection`);
    if (binding || entry.collect?.$case === 'script' || !entry.collect) return;
    for (const name of Object.keys(entry.collect.value.columns))
      if (known && !known.columns.some((column) => column.name === name))
        report(pointer, 'COLUMN_UNKNOWN', `the table ${table} has no column ${name}`);
  });
};

const checkUpload = (module: Module, report: Report): void => {
  const targets = new Set<string>();
  (module.upload?.tables ?? []).forEach(({ table, connectionId, schema, target }, index) => {
    const pointer = `/upload/${index}`;
    const known = module.tables.find(({ name }) => name === table);
    if (!known) report(`${pointer}/table`, 'TABLE_UNKNOWN', `the upload names a missing table ${table}`);
    else if (known.unpublished) report(`${pointer}/table`, 'TABLE_UNPUBLISHED', `the table ${table} is not published`);
    if (Buffer.byteLength(target) > MAX_NAME_BYTES)
      report(`${pointer}/target`, 'NAME_TOO_LONG', `the target of table ${table} has more than ${MAX_NAME_BYTES} bytes`);
    const key = JSON.stringify([connectionId, schema, target || table]);
    if (targets.has(key)) report(pointer, 'TARGET_TWICE', `two tables are uploaded to the target of table ${table}`);
    targets.add(key);
  });
};

/** Checks a module as a whole; a task may still add sources, uploads, steps and rules. Empty = nothing is wrong. */
export const checkModule = (module: Module): Violation[] => {
  const { report, violations } = collector();
  checkTables(module.tables, report);
  checkProtocol(module, report);
  checkUpload(module, report);
  checkAnonymization(
    // Steps may come from the task, so an identifying column without one is a matter of the release.
    module.tables,
    module.anonymization?.steps ?? [],
    module.anonymization?.hierarchies ?? [],
    module.tables,
    (pointer, rule, message) => {
      if (rule !== 'IDENTIFYING_PUBLISHED') report(pointer, rule, message);
    },
  );
  return violations;
};
