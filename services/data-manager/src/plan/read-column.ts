import { BaseType, Normalization, type Column, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { canonicalTextSql } from './format.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
import { columnType } from './types.ts';
import { invariant } from '../domain/defect.ts';

/** A column as its rules read it: the SQL of its text in canonical form, and of whether that is empty: NULL or a null marker. */
export type ReadColumn = { text: string; isEmpty: string };

// The types that the empty text is a value of: a text, and no bytes.
const HAS_EMPTY: readonly BaseType[] = [BaseType.STRING, BaseType.BINARY];

/** In normal form, without blanks where asked; the empty text is NULL where the type has none. */
const rawText = (source: string, column: Column, dialect: Dialect): string => {
  const composed = column.normalize === Normalization.NFC ? dialect.composed(source) : source;
  const trimmed = column.trim ? dialect.trim(composed) : composed;
  return HAS_EMPTY.includes(columnType(column).base) && !column.emptyIsNull ? trimmed : `nullif(${trimmed}, '')`;
};

const placeOf = (table: Table, name: string): { column: Column; source: string } => {
  const place = table.columns.findIndex((column) => column.name === name);
  const column = table.columns[place];
  invariant(column, `table ${table.name}: a rule reads column ${name}, which is none of the table`);
  return { column, source: quoteIdentifier(`c${place}`) };
};

/** Reads a column of a table, by its name, over the texts `c0`, `c1`, … of its source. Markers are compared before a format is looked at. */
export const readColumn = (table: Table, name: string, dialect: Dialect): ReadColumn => {
  const { column, source } = placeOf(table, name);
  const raw = rawText(source, column, dialect);
  const markers = (column.empty?.nullMarkers ?? []).map(quoteLiteral).join(', ');
  return {
    text: canonicalTextSql(raw, columnType(column), dialect),
    isEmpty: markers === '' ? `${raw} IS NULL` : `(${raw} IS NULL OR ${raw} IN (${markers}))`,
  };
};

/** SQL of another column's text for a rule that takes values from it: NULL where it is empty there. */
export const readOtherSql = (table: Table, name: string, dialect: Dialect): string => {
  const { text, isEmpty } = readColumn(table, name, dialect);
  return `CASE WHEN ${isEmpty} THEN NULL ELSE ${text} END`;
};
