import { AnonymizationPlan } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { BaseType, DataType, Role, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { EmptyRule, EmptyStrategy, NullReference } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { FileFormat } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { UploadPlan } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { describe, expect, test } from 'vitest';
import { bound, inputOf, kAnonymity, moduleOf, SOURCE, tableOf, TARGET, transform } from '../test/support/census.ts';
import { checkModule } from './check-module.ts';
import { checkPublished } from './check-published.ts';
import { checkSourceTypes, checkUploadTypes } from './check-uploads.ts';
import { computeEffectivePlan, type EffectivePlanInput } from './effective-plan.ts';
import { publishedModule } from './published-document.ts';
import { collector } from './violation.ts';

const missingOf = (changes: Partial<EffectivePlanInput>): string[] =>
  computeEffectivePlan(inputOf(changes)).missing.map(({ type, subject, description }) => `${type} ${subject}: ${description}`);

/** The census module, where the country of a person is required and nothing is said about empty references. */
const withRequiredReference = (): Partial<EffectivePlanInput> => {
  const module = moduleOf();
  const person = tableOf(module.tables, 'person');
  person.columns = person.columns.map((column) =>
    column.name === 'country'
      ? { ...column, cast: undefined, empty: EmptyRule.fromPartial({ strategy: EmptyStrategy.DROP_RECORD }) }
      : column,
  );
  person.foreignKeys = person.foreignKeys.map((key) => ({ ...key, nullReference: NullReference.UNSPECIFIED }));
  return { module };
};

describe('the document that a run would publish', () => {
  test('is one that CreateDataModule takes, of a required column with a reference too', async () => {
    for (const changes of [{}, withRequiredReference()]) {
      const { plan, missing } = computeEffectivePlan(inputOf(changes));
      expect(missing).toEqual([]);
      expect(await checkPublished(plan, () => false)).toEqual([]);
    }
  });

  test('is refused before the run where a name of the result cannot stand in a document', async () => {
    const { plan } = computeEffectivePlan(inputOf());
    tableOf(plan.results, 'countries').columns = [];
    expect((await checkPublished(plan, () => false)).length).toBeGreaterThan(0);
  });
});

describe('a plan whose transforms change the tables', () => {
  const outputs = (type: string) => ({
    outputs: [
      { name: 'id', type: 'string', role: 'identifying' },
      { name: 'age', type: 'integer', role: 'quasi-identifying' },
      { name: 'country', type, role: 'insensitive' },
    ],
  });

  test('is refused where the type of a key is another on one side', () => {
    expect(missingOf({ transformations: [transform('person', 1, outputs('integer'))] }).join('\n')).toContain(
      'RULE_INVALID tables/person/foreignKeys/0: a foreign key of table person compares columns of different datatypes',
    );
    expect(missingOf({ transformations: [transform('person', 1, outputs('string'))] })).toEqual([]);
  });

  test('loses the keys whose other side the transforms remove', () => {
    const { plan } = computeEffectivePlan(
      inputOf({ transformations: [transform('person', 1, { ...outputs('string'), drops: ['countries'] })] }),
    );
    expect(tableOf(plan.results, 'person').foreignKeys).toEqual([]);
  });
});

describe('uploads of a plan', () => {
  test('are refused where a task sends two tables to one target', () => {
    const uploading = UploadPlan.fromPartial({
      tables: ['person', 'countries'].map((table) => ({ table, connectionId: TARGET, target: 'same' })),
    });
    expect(missingOf({ uploading })).toEqual(['UPLOAD_INVALID upload/1: two tables are uploaded to the target of table countries']);
  });

  test("may come from the module's document for a table that a transform of the task writes", () => {
    const uploads = ['person', 'countries', 'ages'].map((table) => ({ table, connectionId: TARGET }));
    const module = moduleOf({ upload: { tables: uploads } });
    expect(checkModule(module)).toEqual([]);
    const ages = transform('ages', 1, { outputs: [{ name: 'age', type: 'integer', role: 'quasi-identifying' }] });
    const anonymization = AnonymizationPlan.fromPartial({ requirements: { ages: kAnonymity(2, 0.04) } });
    const { plan, missing } = computeEffectivePlan(inputOf({ module, anonymization, transformations: [ages] }));
    expect(missing.map(({ type, subject }) => [type, subject])).toEqual([]);
    expect(plan.uploads.map(({ table }) => table).toSorted()).toEqual(['ages', 'countries', 'person']);
  });

  const problems = (upload: Parameters<typeof UploadPlan.fromPartial>[0], type: string | undefined, results: Table[] = []): string[] => {
    const { report, violations } = collector();
    checkUploadTypes({ uploads: UploadPlan.fromPartial(upload).tables, results }, () => type, report);
    return violations.map(({ message }) => message);
  };
  const person = { table: 'person', connectionId: TARGET };

  test.each([
    ['a format that files are not written in', { format: FileFormat.JSONL }, 'file', 'the format jsonl'],
    ['a schema of files', { schema: 'public' }, 'file', 'names a schema'],
    ['a path in the name of a file', { target: '../person' }, 'file', 'cannot be the name of a file'],
    ['a hidden file', { target: '.person' }, 'file', 'cannot be the name of a file'],
    ['a file format of a database', { format: FileFormat.CSV }, 'postgres', 'has a file format'],
    ['a connection that takes no tables', {}, 'http', 'cannot be uploaded over a connection of type http'],
  ])('are refused for %s', (_, upload, type, message) => {
    expect(problems({ tables: [{ ...person, ...upload }] }, type).join('\n')).toContain(message);
  });

  test('are refused where a table of Postgres cannot have its columns', () => {
    const wide = Array.from({ length: 1601 }, (_, index) => ({ name: `c${index}` }));
    const results = [
      { name: 'a', columns: [{ name: 'ctid' }, { name: 'id' }] },
      { name: 'b', columns: wide },
    ].map((table) => Table.fromPartial(table));
    const upload = { tables: ['a', 'b'].map((table) => ({ table, connectionId: TARGET })) };
    expect(problems(upload, 'postgres', results)).toEqual([
      'the column ctid of table a has the name of a system column of Postgres',
      'the table b has 1601 columns, and one of Postgres at most 1600',
    ]);
    expect(problems(upload, 'file', results)).toEqual([]);
  });

  test('are refused where two files differ in case alone', () => {
    const tables = [
      { ...person, target: 'One' },
      { table: 'countries', connectionId: TARGET, target: 'one' },
    ];
    expect(problems({ tables }, 'file')).toHaveLength(1);
    expect(problems({ tables }, 'postgres')).toEqual([]);
  });
});

describe('sources of a plan', () => {
  const problems = (changes: Partial<EffectivePlanInput>, type: string | undefined): string[] => {
    const { plan } = computeEffectivePlan(inputOf(changes));
    const { report, violations } = collector();
    checkSourceTypes(plan.sources, plan.scripts, (id) => (id === SOURCE ? type : undefined), report);
    return violations.map(({ message }) => message);
  };

  test('are refused where the connection is not of the type that the read or the script needs', () => {
    expect(problems({}, 'postgres')).toEqual([]);
    expect(problems({}, 'http')[0]).toBe('the TableRead of table person needs a connection of type postgres, and has one of type http');
    expect(problems({ extraction: [bound('person', 1)] }, 'file')[0]).toContain('the SQL script of table person');
    expect(problems({ extraction: [bound('person', 1, { language: 2 })] }, 'postgres')[0]).toContain(
      'the TypeScript script of table person',
    );
    expect(problems({ extraction: [bound('person', 1, { language: 2 })] }, 'http').filter((text) => text.includes('Script'))).toEqual([]);
  });
});

test('a published document keeps what module, tables and columns say of themselves, and the level and hierarchy of generalized columns', () => {
  const module = moduleOf({ description: 'about', license: 'CC-BY-4.0', creator: 'office', keywords: ['a', 'b'] });
  const person = tableOf(module.tables, 'person');
  person.description = 'one row a person';
  Object.assign(person.columns[1] ?? {}, { description: 'in years' });
  const { plan } = computeEffectivePlan(inputOf({ module }));
  const published = publishedModule(plan, {
    version: '1.0.0',
    previousVersion: '',
    runId: 'r',
    moduleId: 'm',
    isFile: () => false,
    tables: [
      {
        table: 'person',
        columns: [
          {
            ...(person.columns[1] as (typeof person.columns)[0]),
            description: '',
            role: Role.QUASI_IDENTIFYING,
            type: DataType.fromPartial({ base: BaseType.STRING }),
          },
        ],
        contentHash: 'a',
        levels: { age: 2 },
      },
    ],
  });
  expect(published).toMatchObject({ description: 'about', license: 'CC-BY-4.0', creator: 'office', keywords: ['a', 'b'] });
  const table = tableOf(published.tables, 'person');
  expect(table.description).toBe('one row a person');
  expect(table.columns[0]).toMatchObject({ description: 'in years', generalization: { hierarchy: 'intervals', level: 2 } });
});
