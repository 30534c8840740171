import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { EmptyStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
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

/** The rule for empty values, over the SQL of the source's text. NULL and each null marker are empty; blanks are cut before, where asked. */
export const emptySql = (source: string, column: Column, dialect: Dialect): EmptySql => {
  const text = column.trim ? dialect.trim(source) : source;
  const rule = column.empty;
  if (rule === undefined) return { text, empty: undefined, drops: false, replaces: false };
  const markers = rule.nullMarkers.map(quoteLiteral).join(', ');
  const marked = markers === '' ? `${text} IS NULL` : `(${text} IS NULL OR ${text} IN (${markers}))`;
  switch (rule.strategy) {
    case EmptyStrategy.REPLACE_WITH:
      return {
        text: `CASE WHEN ${marked} THEN ${quoteLiteral(rule.replacement)} ELSE ${text} END`,
        empty: marked,
        drops: false,
        replaces: true,
      };
    case EmptyStrategy.DROP_RECORD:
      return { text: `CASE WHEN ${marked} THEN NULL ELSE ${text} END`, empty: marked, drops: true, replaces: false };
    case EmptyStrategy.IGNORE:
      return {
        text: markers === '' ? text : `CASE WHEN ${marked} THEN NULL ELSE ${text} END`,
        empty: undefined,
        drops: false,
        replaces: false,
      };
    case EmptyStrategy.UNSPECIFIED:
      throw defect('a rule for empty values has no strategy');
  }
};
