import { sourceColumn } from '../connector.ts';
import type { TextColumn } from './protocol.ts';

/** The columns that are read, by the mapping of a document. */
export const columnsOf = (columns: readonly string[], mapping: Record<string, string>): TextColumn[] =>
  columns.map((name) => ({ name, source: sourceColumn(mapping, name) }));
