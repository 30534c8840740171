import type { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';

/** Names of the engine's tables that key rules work with. No column or table of a module begins with an underscore. */
export const keyTables = (table: string) => ({
  /** The rows that still stay: `row_id` and the key columns. */
  keys: `_keys_${table}`,
  /** Rows that an earlier rule dropped, with the primary key that they had. */
  early: `_early_${table}`,
  /** One row a key: the key and the `row_id` that stays. */
  winners: `_winners_${table}`,
  /** What key rules take out: `row_id`, `rule`. */
  dropped: `_dropped_${table}`,
  /** `row_id`, `new_key`: the rows that get another key. */
  generated: `_generated_${table}`,
  /** One row a key: `row_id` and the texts `c0`, `c1`, …, each the first that says something. */
  filled: `_filled_${table}`,
  /** Orphans of the round under way: `row_id`, `rule`. */
  orphans: `_orphans_${table}`,
  /** The keys of the rows that the last round took out. */
  gone: `_gone_${table}`,
});

/** For a foreign key onto generated keys: `row_id`, `parent_row_id`, `new_key` (NULL where the parent keeps its own). */
export const linkTable = (table: string, index: number): string => `_link${index}_${table}`;

/** The values of `rule` in a table of dropped rows: merged, primary key, and from 2 on the foreign keys in their order. */
export const KEY_RULES = { merged: 0, primaryKey: 1, firstForeignKey: 2 } as const;

/** The digest of a row's content, in `keys` of a table whose keys are generated. */
export const CONTENT_COLUMN = '_content';

/** The columns that key rules need of a table: its primary key, its foreign keys, and what others refer to; in column order. */
export const keyColumns = (table: Table, tables: readonly Table[]): string[] => {
  const needed = new Set<string>(table.primaryKey?.columns);
  for (const foreignKey of table.foreignKeys) for (const column of foreignKey.columns) needed.add(column);
  for (const foreignKey of tables.flatMap((other) => other.foreignKeys)) {
    if (foreignKey.referencedTable === table.name) for (const column of foreignKey.referencedColumns) needed.add(column);
  }
  return table.columns.map((column) => column.name).filter((name) => needed.has(name));
};
