import { EmptyStrategy, type EmptyRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { quoteLiteral } from './identifiers.ts';
import { defect } from '../domain/defect.ts';

/** SQL of one column after the rule for empty values. `empty` is absent where the rule neither drops nor replaces. */
export type EmptySql = {
  text: string;
  empty: string | undefined;
  drops: boolean;
  replaces: boolean;
};

/** A rule at work: `text` is the SQL of the value, `marked` is true where it is empty, `sourceOf` gives the SQL of any column's source text. */
type EmptyPlace = { rule: EmptyRule; column: Column; text: string; marked: string; sourceOf: (column: string) => string };

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

/** The rule for empty values of a column. NULL and each null marker are empty; blanks are cut before, where the column says so. */
export const emptySql = (sourceOf: (column: string) => string, column: Column, dialect: Dialect): EmptySql => {
  const source = sourceOf(column.name);
  const text = column.trim ? dialect.trim(source) : source;
  const rule = column.empty;
  if (rule === undefined) return { text, empty: undefined, drops: false, replaces: false };
  const markers = rule.nullMarkers.map(quoteLiteral).join(', ');
  const marked = markers === '' ? `${text} IS NULL` : `(${text} IS NULL OR ${text} IN (${markers}))`;
  return STRATEGIES[rule.strategy].sql({ rule, column, text, marked, sourceOf });
};
