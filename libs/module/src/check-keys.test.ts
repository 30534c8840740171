// What each strategy of keys and references is refused for. A strategy without a case does not compile.
import { EmptyStrategy, KeyConflict, NullReference, WithinSource } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { expect, test } from 'vitest';
import { checkKeys } from './check-keys.ts';
import { collector } from './violation.ts';

type TableParts = Parameters<typeof Table.fromPartial>[0];
type Case = { taken: TableParts[]; refused: [rule: TableParts, code: string][] };

const withinSource = WithinSource.FIRST;
const key = (conflict: KeyConflict, rest: NonNullable<TableParts['primaryKey']> = {}): TableParts => ({
  primaryKey: { columns: ['id'], conflict, ...rest },
});

const CONFLICTS: Record<KeyConflict, Case> = {
  [KeyConflict.UNSPECIFIED]: { taken: [], refused: [[key(KeyConflict.UNSPECIFIED), 'KEY_CONFLICT_MISSING']] },
  [KeyConflict.SOURCE_PRIORITY]: {
    taken: [key(KeyConflict.SOURCE_PRIORITY, { withinSource })],
    refused: [
      [key(KeyConflict.SOURCE_PRIORITY), 'WITHIN_SOURCE_MISSING'],
      [key(KeyConflict.SOURCE_PRIORITY, { withinSource, columns: ['no'] }), 'COLUMN_UNKNOWN'],
      [key(KeyConflict.SOURCE_PRIORITY, { withinSource, columns: [] }), 'KEY_EMPTY'],
    ],
  },
  [KeyConflict.DROP_ALL_CONFLICTING]: { taken: [key(KeyConflict.DROP_ALL_CONFLICTING)], refused: [] },
  [KeyConflict.FILL]: {
    taken: [key(KeyConflict.FILL), key(KeyConflict.FILL, { withinSource: WithinSource.FIRST })],
    refused: [[key(KeyConflict.FILL, { withinSource: WithinSource.LAST }), 'WITHIN_SOURCE_UNUSED']],
  },
  [KeyConflict.GENERATE_KEYS]: {
    taken: [key(KeyConflict.GENERATE_KEYS)],
    refused: [[key(KeyConflict.GENERATE_KEYS, { columns: ['day'] }), 'KEY_NOT_GENERABLE']],
  },
};

const refers = (column: string, nullReference: NullReference): TableParts => ({
  foreignKeys: [{ columns: [column], referencedTable: 't', referencedColumns: ['id'], nullReference }],
});

const NULLS: Record<NullReference, Case> = {
  [NullReference.UNSPECIFIED]: {
    taken: [refers('filled', NullReference.UNSPECIFIED)],
    refused: [[refers('parent', NullReference.UNSPECIFIED), 'NULL_REFERENCE_MISSING']],
  },
  [NullReference.KEEP]: { taken: [refers('parent', NullReference.KEEP)], refused: [[refers('day', NullReference.KEEP), 'KEY_TYPES']] },
  [NullReference.DROP]: { taken: [refers('parent', NullReference.DROP)], refused: [] },
};

const codesOf = (rule: TableParts): string[] => {
  const integer = { type: { base: BaseType.INTEGER }, role: Role.INSENSITIVE };
  const table = Table.fromPartial({
    name: 't',
    columns: [
      { name: 'id', ...integer },
      { name: 'parent', ...integer },
      { name: 'filled', ...integer, empty: { strategy: EmptyStrategy.DROP_RECORD } },
      { name: 'day', type: { base: BaseType.DATE }, role: Role.INSENSITIVE },
    ],
    ...rule,
  });
  const { report, violations } = collector();
  checkKeys([table], report);
  return violations.map(({ rule: code }) => code);
};

const named = Object.entries({ KeyConflict: [KeyConflict, CONFLICTS], NullReference: [NullReference, NULLS] } as const).flatMap(
  ([type, [names, cases]]) =>
    Object.entries(names).map(([name, value]) => [`${type} ${name}`, (cases as Record<number, Case>)[value]] as const),
);

test.each(named)('%s is taken where its rule is right, and refused where it is not', (_, found) => {
  for (const rule of found?.taken ?? []) expect(codesOf(rule)).toEqual([]);
  for (const [rule, code] of found?.refused ?? []) expect(codesOf(rule)).toEqual([code]);
});

/** A rule with another text in place of each of its texts, one at a time. */
const withUnknown = (rule: TableParts): TableParts[] => {
  const written = JSON.stringify(rule);
  return [...written.matchAll(/(?<=[[,:])"[^"]*"(?!:)/g)].map(
    ({ 0: text, index }) => JSON.parse(`${written.slice(0, index)}"nowhere"${written.slice(index + text.length)}`) as TableParts,
  );
};

const naming = named.flatMap(([name, found]) => (found?.taken ?? []).map((rule) => [name, rule] as const));
test.each(naming)('%s is refused where a name is no column and no table', (_, rule) => {
  const unknown = withUnknown(rule);
  expect(unknown).not.toEqual([]);
  for (const wrong of unknown) expect([wrong, codesOf(wrong)]).not.toEqual([wrong, []]);
});
