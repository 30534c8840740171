import { AnonymizationPlan } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { CastPolicy, EmptyStrategy, KeyConflict } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Column, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { expect, test } from 'vitest';
import { inputOf, tableOf, TARGET } from '../test/support/census.ts';
import { checkModule } from './check-module.ts';
import { parseDocument, writeDocument } from './document.ts';
import { computeEffectivePlan } from './effective-plan.ts';
import { publishedModule, versionedName } from './published-document.ts';

const stored = (name: string, role: Role): Column => Column.fromPartial({ name, role, type: { base: BaseType.STRING } });

const publish = (changes: Parameters<typeof inputOf>[0] = {}) =>
  publishedModule(computeEffectivePlan(inputOf(changes)).plan, {
    version: '1.0.0',
    previousVersion: '',
    runId: 'r',
    moduleId: 'm',
    isFile: () => false,
    tables: [
      {
        table: 'person',
        columns: [stored('id', Role.PSEUDONYM), stored('age', Role.QUASI_IDENTIFYING), stored('country', Role.INSENSITIVE)],
        contentHash: 'a',
        levels: {},
      },
      { table: 'countries', columns: [stored('name', Role.INSENSITIVE)], contentHash: 'b', levels: {} },
    ],
  });

test('a published column has no rule that would change its values again, and no range on a changed column', () => {
  for (const { columns } of publish().tables)
    for (const { trim, empty, cast, range } of columns) {
      expect([trim, empty?.nullMarkers, empty?.strategy, cast?.policy]).toEqual([false, [], EmptyStrategy.IGNORE, CastPolicy.FAIL]);
      expect(range).toBeUndefined();
    }
});

test('a published table keeps its requirement, its key without a choice, and references between columns that nothing changed', () => {
  const person = tableOf(publish().tables, 'person');
  expect(person.privacy?.models[0]?.model?.value.k).toBe(10);
  expect(person.primaryKey).toMatchObject({ columns: ['id'], conflict: KeyConflict.DROP_ALL_CONFLICTING });
  expect(person.foreignKeys.map(({ referencedTable }) => referencedTable)).toEqual(['countries']);
});

test('a reference whose column was changed on one side alone is not published', () => {
  const step = { table: 'person', rank: 3, operation: { $case: 'pseudonymize' as const, value: { columns: ['country'] } } };
  const { tables } = publish({ anonymization: AnonymizationPlan.fromPartial({ steps: [step] }) });
  expect(tableOf(tables, 'person').foreignKeys).toEqual([]);
});

test('a reference between tokens of different domains is refused at release', () => {
  const inDomain = (table: string, column: string, rank: number, domain: string) => ({
    table,
    rank,
    operation: { $case: 'pseudonymize' as const, value: { columns: [column], domain } },
  });
  const missingBy = (domain: string): string[] => {
    const steps = [inDomain('person', 'country', 3, 'c'), inDomain('countries', 'name', 4, domain)];
    return computeEffectivePlan(inputOf({ anonymization: AnonymizationPlan.fromPartial({ steps }) })).missing.map(({ subject }) => subject);
  };
  expect(missingBy('other')).toEqual(['tables/0/foreignKeys/0']);
  expect(missingBy('c')).toEqual([]);
});

test('a published document names the tables of its version, and can be collected as it is', async () => {
  const module = publish();
  expect(module.protocol?.entries.map(({ collect }) => collect)).toMatchObject(
    ['person', 'countries'].map((table) => ({ $case: 'tableRead', value: { connectionId: TARGET, table: versionedName(table, '1.0.0') } })),
  );
  expect(await parseDocument(writeDocument(module))).toEqual({ module });
  expect(checkModule(module)).toEqual([]);
});
