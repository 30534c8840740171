import { EmptyStrategy, type EmptyRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { quoteLiteral } from './identifiers.ts';
import { readColumn, readOtherSql } from './read-column.ts';
import { defect } from '../domain/defect.ts';

/** SQL of one column after the rule for empty values. `empty` is absent where the rule neither drops nor replaces. */
export type EmptySql = {
  text: string;
  empty: string | undefined;
  drops: boolean;
  replaces: boolean;
};

/**
 * A rule at work: `text` is the SQL of the value in its canonical form, `marked` is true where it is empty. `readOther` gives the SQL of another
 * column of the table, NULL where that one is empty.
 */
type EmptyPlace = { rule: EmptyRule; text: string; marked: string; readOther: (column: string) => string };

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

/** The rule for empty values of a column. NULL and each null marker are empty. */
export const emptySql = (table: Table, column: Column, dialect: Dialect): EmptySql => {
  const { text, isEmpty } = readColumn(table, column.name, dialect);
  const rule = column.empty;
  if (rule === undefined) return { text, empty: undefined, drops: false, replaces: false };
  return STRATEGIES[rule.strategy].sql({ rule, text, marked: isEmpty, readOther: (name) => readOtherSql(table, name, dialect) });
};
