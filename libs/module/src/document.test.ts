import { Metric } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import {
  CastPolicy,
  EmptyStrategy,
  KeyConflict,
  NullReference,
  RangeStrategy,
  WithinSource,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Module, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { UploadMode } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { expect, test } from 'vitest';
import { checkModule } from './check-module.ts';
import { documentHash, parseDocument, writeDocument } from './document.ts';

const CONNECTION = '0192f0c0-0000-7000-8000-000000000001';

const example = (): Module =>
  Module.fromPartial({
    name: 'census',
    description: 'people',
    license: 'CC-BY-4.0',
    keywords: ['a', 'b'],
    tables: [
      {
        name: 'person',
        columns: [
          { name: 'person_id', type: { base: BaseType.INTEGER }, role: Role.IDENTIFYING, empty: { strategy: EmptyStrategy.DROP_RECORD } },
          {
            name: 'age',
            type: { base: BaseType.INTEGER },
            role: Role.QUASI_IDENTIFYING,
            trim: true,
            empty: { nullMarkers: ['?', ''], strategy: EmptyStrategy.REPLACE_WITH, replacement: '30' },
            cast: { policy: CastPolicy.DROP_RECORD },
            range: { minimum: '17', maximum: '85', strategy: RangeStrategy.CLAMP },
          },
          { name: 'country', type: { base: BaseType.STRING }, role: Role.SENSITIVE, empty: { strategy: EmptyStrategy.IGNORE } },
          { name: 'income', type: { base: BaseType.DECIMAL, precision: 12, scale: 2 }, role: Role.INSENSITIVE },
        ],
        primaryKey: { columns: ['person_id'], conflict: KeyConflict.SOURCE_PRIORITY, withinSource: WithinSource.FIRST },
        foreignKeys: [
          { columns: ['country'], referencedTable: 'countries', referencedColumns: ['name'], nullReference: NullReference.KEEP },
        ],
        privacy: { models: [{ model: { $case: 'kAnonymity', value: { k: 10 } } }], suppressionLimit: 0.04 },
      },
      {
        name: 'countries',
        columns: [{ name: 'name', type: { base: BaseType.STRING }, role: Role.INSENSITIVE }],
        privacy: { noneReason: 'no people' },
      },
    ],
    protocol: {
      entries: [
        {
          table: 'person',
          rank: 1,
          collect: { $case: 'tableRead', value: { connectionId: CONNECTION, table: 'people', columns: { person_id: 'id' } } },
        },
        {
          table: 'person',
          rank: 2,
          collect: {
            $case: 'httpRead',
            value: {
              connectionId: CONNECTION,
              path: '/rows',
              paging: { kind: { $case: 'offset', value: { offsetParameter: 'o', limitParameter: 'l', limit: 10 } } },
            },
          },
        },
      ],
    },
    upload: { tables: [{ table: 'person', connectionId: CONNECTION, mode: UploadMode.VERSIONED, target: 'people' }] },
    anonymization: {
      steps: [
        { table: 'person', rank: 1, operation: { $case: 'pseudonymize', value: { columns: ['person_id'], length: 16 } } },
        {
          table: 'person',
          rank: 2,
          operation: {
            $case: 'generalize',
            value: {
              columns: [{ column: 'age', scheme: { $case: 'intervals', value: { width: '20', levels: 2 } }, level: 0 }],
              search: { metric: Metric.LOSS },
            },
          },
        },
      ],
      hierarchies: [{ name: 'h', rows: [{ levels: ['a', '*'] }, { levels: ['b', '*'] }] }],
    },
  });

test('a module written as a document and read again is the same module', async () => {
  const read = await parseDocument(writeDocument(example()));
  expect(read).toEqual({ module: example() });
});

test('the example breaks no rule', () => {
  expect(checkModule(example())).toEqual([]);
});

test('an unknown term is refused with its pointer, since expansion would drop it', async () => {
  const document = writeDocument(example());
  const [table] = document['tables'] as Record<string, unknown>[];
  if (table) table['colour'] = 'red';
  const read = await parseDocument(document);
  expect(read).toMatchObject({ violations: [{ pointer: '/tables/0/colour', rule: 'UNKNOWN_TERM' }] });
});

test('a foreign context is refused', async () => {
  const read = await parseDocument({ ...writeDocument(example()), '@context': 'https://example.org/context' });
  expect('violations' in read).toBe(true);
});

test('the hash of a document does not depend on the order of its keys', () => {
  const document = writeDocument(example());
  const turned = Object.fromEntries(Object.entries(document).toReversed());
  expect(documentHash(turned)).toBe(documentHash(document));
  expect(documentHash({ ...document, name: 'other' })).not.toBe(documentHash(document));
});

const broken: [name: string, change: (module: Module) => void, rule: string][] = [
  [
    'a range on a text column',
    (module) => void Object.assign(module.tables[0]?.columns[2] ?? {}, { range: { minimum: 'a', strategy: RangeStrategy.CLAMP } }),
    'RANGE_UNORDERED',
  ],
  [
    'a bound without a strategy',
    (module) => void Object.assign(module.tables[0]?.columns[1]?.range ?? {}, { strategy: RangeStrategy.UNSPECIFIED }),
    'RANGE_STRATEGY_MISSING',
  ],
  [
    'a replacement outside its own range',
    (module) => void Object.assign(module.tables[0]?.columns[1]?.empty ?? {}, { replacement: '99' }),
    'REPLACEMENT_OUT_OF_RANGE',
  ],
  ['two sources of one rank', (module) => void Object.assign(module.protocol?.entries[1] ?? {}, { rank: 1 }), 'RANK_TWICE'],
  [
    'a foreign key to a missing table',
    (module) => void Object.assign(module.tables[0]?.foreignKeys[0] ?? {}, { referencedTable: 'nowhere' }),
    'TABLE_UNKNOWN',
  ],
  [
    'a foreign key that may be empty and does not say what then',
    (module) => void Object.assign(module.tables[0]?.foreignKeys[0] ?? {}, { nullReference: NullReference.UNSPECIFIED }),
    'NULL_REFERENCE_MISSING',
  ],
  [
    'source priority without a rule inside a source',
    (module) => void Object.assign(module.tables[0]?.primaryKey ?? {}, { withinSource: WithinSource.UNSPECIFIED }),
    'WITHIN_SOURCE_MISSING',
  ],
  [
    'quasi-identifying columns without a requirement',
    (module) => void Object.assign(module.tables[0] ?? {}, { privacy: undefined }),
    'REQUIREMENT_MISSING',
  ],
  [
    'a table without a requirement or a reason',
    (module) => void Object.assign(module.tables[1] ?? {}, { privacy: undefined }),
    'PRIVACY_UNSAID',
  ],
  [
    'a hierarchy with two roots',
    (module) => void module.anonymization?.hierarchies[0]?.rows.push({ levels: ['c', 'other'] }),
    'HIERARCHY_ROOTS',
  ],
  [
    'a hierarchy with uneven rows',
    (module) => void module.anonymization?.hierarchies[0]?.rows.push({ levels: ['c', 'x', '*'] }),
    'HIERARCHY_UNEVEN',
  ],
];
test.each(broken)('%s is refused', (_name, change, rule) => {
  const module = example();
  change(module);
  expect(checkModule(module).map((violation) => violation.rule)).toContain(rule);
});
