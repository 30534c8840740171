// Rows whose value a hierarchy does not have: what the document says of them is done before anything is generalized.
import { MissingLeaf, type GeneralizedColumn } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { quoteIdentifier, quoteLiteral, quoteNames } from '../../plan/identifiers.ts';
import { leaflessRowsQuery, leafSql } from '../../privacy/dictionary.ts';
import { columnOf, project, type Relation } from '../../privacy/steps/relation.ts';
import type { RuleCount } from '../stage-manifest.ts';
import { addRootLeaf, keepLeafless, loadHierarchy, rootOf, type DictionaryContext } from './dictionaries.ts';

/** What became of the rows without a leaf. */
export type MissingLeaves = { relation: Relation; replaced: RuleCount[]; dropped: RuleCount[]; suppressedCount: number };

const FAILS: readonly MissingLeaf[] = [MissingLeaf.UNSPECIFIED, MissingLeaf.FAIL];

/** Applies the policies of generalized columns. A policy to fail is left to the dictionary, which names column, hierarchy and count. */
export const applyMissingLeaf = async (
  context: DictionaryContext,
  table: string,
  before: Relation,
  entries: readonly GeneralizedColumn[],
): Promise<MissingLeaves> => {
  const made: MissingLeaves = { relation: before, replaced: [], dropped: [], suppressedCount: 0 };
  for (const { column: name, scheme, missingLeaf } of entries) {
    const column = before.columns.find((found) => found.name === name);
    if (!column || scheme?.$case !== 'hierarchy' || FAILS.includes(missingLeaf)) continue;
    const hierarchy = `_leaves${context.made.length}`;
    context.made.push(hierarchy);
    const levelCount = await loadHierarchy(context, scheme.value, hierarchy);
    if (missingLeaf === MissingLeaf.ROOT) await addRootLeaf(context.engine, hierarchy, levelCount);
    const { rows } = await context.engine.sql(leaflessRowsQuery(made.relation, columnOf(table, made.relation, name), hierarchy));
    const count = Number(rows[0]?.[1] ?? 0);
    if (count === 0) continue;
    await keepLeafless(context, table, { relation: made.relation, column: columnOf(table, made.relation, name), hierarchy });
    const own = quoteIdentifier(name);
    const hasLeaf = `(${own} IS NULL OR ${own} IN (SELECT ${leafSql(column)} FROM ${quoteIdentifier(hierarchy)}))`;
    if (missingLeaf === MissingLeaf.ROOT) {
      const root = quoteLiteral(await rootOf(context.engine, hierarchy, levelCount));
      const query = project(made.relation, new Map([[name, `CASE WHEN ${hasLeaf} THEN ${own} ELSE ${root} END`]]));
      made.relation = { ...made.relation, query };
      made.replaced.push({ rule: `leaf:${name}`, count });
      continue;
    }
    const names = quoteNames(made.relation.columns.map((kept) => kept.name));
    made.relation = { ...made.relation, query: `SELECT ${names} FROM (${made.relation.query}) WHERE ${hasLeaf}` };
    if (missingLeaf === MissingLeaf.SUPPRESS) made.suppressedCount += count;
    else made.dropped.push({ rule: `leaf:${name}`, count });
  }
  return made;
};
