import { NullReference, type ForeignKeyRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { ForeignKeyPlan } from '@lethe/module/key-plan';
import { quoteIdentifier, quoteNames } from './identifiers.ts';
import { KEY_RULES, keyTables, linkTable } from './key-tables.ts';
import { rankSql } from './row-id.ts';

/** Whether a record whose reference is empty is dropped. Unspecified: no column of the key can be empty. */
const DROPS_EMPTY: Record<NullReference, boolean> = {
  [NullReference.UNSPECIFIED]: false,
  [NullReference.KEEP]: false,
  [NullReference.DROP]: true,
};

const matches = (rule: ForeignKeyRule, child: string, parent: string): string =>
  rule.columns
    .map((column, index) => `${child}.${quoteIdentifier(column)} = ${parent}.${quoteIdentifier(rule.referencedColumns[index] ?? '')}`)
    .join(' AND ');

const isNull = (rule: ForeignKeyRule, alias: string): string =>
  rule.columns.map((column) => `${alias}.${quoteIdentifier(column)} IS NULL`).join(' OR ');

/** Each row of `keys` with the rank of its source. A source is a table and a rank: those of one rank belong together. */
const withRank = (table: string): string => `(SELECT *, ${rankSql('row_id')} AS _rank FROM ${quoteIdentifier(keyTables(table).keys)})`;

/**
 * Finds the one row that a reference onto generated keys means: the row of the source of the same rank with the old key, where exactly
 * one is there; where that source has none, the only row of any source with the old key. Anything else is ambiguous and becomes an orphan.
 */
export const linkStatement = (plan: ForeignKeyPlan): string => {
  const { rule } = plan;
  const parents = withRank(rule.referencedTable);
  const referenced = quoteNames(rule.referencedColumns);
  const generated = quoteIdentifier(keyTables(rule.referencedTable).generated);
  const perSource = `(SELECT ${referenced}, _rank, count(*) AS n, min(row_id) AS row_id FROM ${parents} GROUP BY ${referenced}, _rank)`;
  const overall = `(SELECT ${referenced}, count(*) AS n, min(row_id) AS row_id FROM ${quoteIdentifier(keyTables(rule.referencedTable).keys)} GROUP BY ${referenced})`;
  const chosen = 'CASE WHEN _same.n = 1 THEN _same.row_id WHEN _same.n IS NULL AND _any.n = 1 THEN _any.row_id END';
  return (
    `CREATE OR REPLACE TABLE ${quoteIdentifier(linkTable(plan.table, plan.index))} AS ` +
    `SELECT _link.row_id, _link.parent_row_id, _new.new_key FROM (SELECT _child.row_id, ${chosen} AS parent_row_id ` +
    `FROM ${withRank(plan.table)} _child ` +
    `LEFT JOIN ${perSource} _same ON ${matches(rule, '_child', '_same')} AND _same._rank = _child._rank ` +
    `LEFT JOIN ${overall} _any ON ${matches(rule, '_child', '_any')} WHERE NOT (${isNull(rule, '_child')})) _link ` +
    `LEFT JOIN ${generated} _new ON _new.row_id = _link.parent_row_id`
  );
};

const orphansOf = (plan: ForeignKeyPlan, isFirstRound: boolean): string => {
  const { rule } = plan;
  const child = quoteIdentifier(keyTables(plan.table).keys);
  const parent = quoteIdentifier(keyTables(rule.referencedTable).keys);
  const gone = quoteIdentifier(keyTables(rule.referencedTable).gone);
  const code = `CAST(${KEY_RULES.firstForeignKey + plan.index} AS SMALLINT) AS rule`;
  const empty = isFirstRound && DROPS_EMPTY[rule.nullReference] ? ` OR (${isNull(rule, '_child')})` : '';
  if (plan.follows !== undefined) {
    const link = quoteIdentifier(linkTable(plan.table, plan.index));
    const lost = isFirstRound ? '_link.parent_row_id IS NULL' : `_link.parent_row_id IN (SELECT row_id FROM ${gone})`;
    return `SELECT _child.row_id, ${code} FROM ${child} _child LEFT JOIN ${link} _link ON _link.row_id = _child.row_id WHERE (_link.row_id IS NOT NULL AND ${lost})${empty}`;
  }
  const missing = `NOT EXISTS (SELECT 1 FROM ${parent} _parent WHERE ${matches(rule, '_child', '_parent')})`;
  // After the first round only rows whose parent has just gone can have become orphans.
  const touched = isFirstRound ? '' : ` AND EXISTS (SELECT 1 FROM ${gone} _gone WHERE ${matches(rule, '_child', '_gone')})`;
  return `SELECT _child.row_id, ${code} FROM ${child} _child WHERE (NOT (${isNull(rule, '_child')}) AND ${missing}${touched})${empty}`;
};

/** Collects the orphans of a table for one round over the rows that are there at its beginning; of several rules the first counts. */
export const orphansStatement = (table: string, plans: readonly ForeignKeyPlan[], isFirstRound: boolean): string => {
  const queries = plans.map((plan) => orphansOf(plan, isFirstRound)).join(' UNION ALL ');
  return `CREATE OR REPLACE TABLE ${quoteIdentifier(keyTables(table).orphans)} AS SELECT row_id, min(rule) AS rule FROM (${queries}) GROUP BY row_id`;
};

/** Takes a round's orphans out of `keys` into `gone` and `dropped`. */
export const removeOrphansStatements = (table: string): string[] => {
  const names = keyTables(table);
  const [keys, gone, dropped, orphans] = [names.keys, names.gone, names.dropped, names.orphans].map(quoteIdentifier);
  return [
    `CREATE OR REPLACE TABLE ${gone} AS SELECT * FROM ${keys} WHERE row_id IN (SELECT row_id FROM ${orphans})`,
    `DELETE FROM ${keys} WHERE row_id IN (SELECT row_id FROM ${orphans})`,
    `INSERT INTO ${dropped} SELECT row_id, rule FROM ${orphans}`,
  ];
};

/** `foreign_key:` and the columns, joined by `+`. */
export const foreignKeyName = (rule: ForeignKeyRule): string => `foreign_key:${rule.columns.join('+')}`;
