// What a source is of, however it is collected.
import type { ProtocolEntry, ScriptBinding } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import type { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';

/** The table of a source, its place among the table's sources, and the columns that it names. */
export type SourcePlace = Pick<ScriptBinding, 'table' | 'rank' | 'sourceColumns'>;

/** The place of a source; with a script its binding has it. */
export const placeOf = (entry: ProtocolEntry): SourcePlace => (entry.collect?.$case === 'script' ? entry.collect.value : entry);

/** The names of the columns that a source has, in the order of the table. */
export const columnsOfSource = ({ columns }: Table, { sourceColumns }: Pick<SourcePlace, 'sourceColumns'>): string[] => {
  const names = columns.map(({ name }) => name);
  return sourceColumns.length === 0 ? names : names.filter((name) => sourceColumns.includes(name));
};
