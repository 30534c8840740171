import { EmptyStrategy, type EmptyRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Normalization, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { canonicalTextSql } from './format.ts';
import { quoteLiteral } from './identifiers.ts';
import { columnType } from './types.ts';
import { defect } from '../domain/defect.ts';

/** SQL of one column after the rule for empty values. `empty` is absent where the rule neither drops nor replaces. */
export type EmptySql = {
  text: string;
  empty: string | undefined;
  drops: boolean;
  replaces: boolean;
};

/** A rule at work: `text` is the SQL of the value in its canonical form, `marked` is true where it is empty. */
type EmptyPlace = { rule: EmptyRule; column: Column; text: string; marked: string };

/** What a strategy does, and the replacements that it writes out, which must be readable as the column's type. */
type Strategy = { sql: (place: EmptyPlace) => EmptySql; literals: (rule: EmptyRule) => string[] };

const noLiterals = (): string[] => [];
const withoutMarked = ({ text, marked }: EmptyPlace, value: string): string => `CASE WHEN ${marked} THEN ${value} ELSE ${text} END`;

const STRATEGIES: Record<EmptyStrategy, Strategy> = {
  [EmptyStrategy.UNSPECIFIED]: {
    sql: () => {
      throw defect('a rule for empty values has no strategy');
    },
    literals: noLiterals,
  },
  [EmptyStrategy.IGNORE]: {
    sql: (place) => ({
      text: place.rule.nullMarkers.length === 0 ? place.text : withoutMarked(place, 'NULL'),
      empty: undefined,
      drops: false,
      replaces: false,
    }),
    literals: noLiterals,
  },
  [EmptyStrategy.REPLACE_WITH]: {
    sql: (place) => ({
      text: withoutMarked(place, quoteLiteral(place.rule.replacement)),
      empty: place.marked,
      drops: false,
      replaces: true,
    }),
    literals: ({ replacement }) => [replacement],
  },
  [EmptyStrategy.DROP_RECORD]: {
    sql: (place) => ({ text: withoutMarked(place, 'NULL'), empty: place.marked, drops: true, replaces: false }),
    literals: noLiterals,
  },
};

/** The replacements that a column's rule for empty values writes out. */
export const emptyLiterals = ({ empty }: Column): string[] => (empty ? STRATEGIES[empty.strategy].literals(empty) : []);

// The types that the empty text is a value of: a text, and no bytes.
const HAS_EMPTY: readonly BaseType[] = [BaseType.STRING, BaseType.BINARY];

/** The text as the rules see it: in normal form, without blanks where asked; the empty text is NULL where the type has none. */
const rawText = (source: string, column: Column, dialect: Dialect): string => {
  const composed = column.normalize === Normalization.NFC ? dialect.composed(source) : source;
  const trimmed = column.trim ? dialect.trim(composed) : composed;
  return HAS_EMPTY.includes(columnType(column).base) && !column.emptyIsNull ? trimmed : `nullif(${trimmed}, '')`;
};

/** The rule for empty values of a column. NULL and each null marker are empty; markers are compared before a format is looked at. */
export const emptySql = (sourceOf: (column: string) => string, column: Column, dialect: Dialect): EmptySql => {
  const raw = rawText(sourceOf(column.name), column, dialect);
  const text = canonicalTextSql(raw, columnType(column), dialect);
  const rule = column.empty;
  if (rule === undefined) return { text, empty: undefined, drops: false, replaces: false };
  const markers = rule.nullMarkers.map(quoteLiteral).join(', ');
  const marked = markers === '' ? `${raw} IS NULL` : `(${raw} IS NULL OR ${raw} IN (${markers}))`;
  return STRATEGIES[rule.strategy].sql({ rule, column, text, marked });
};
