// The fields of a table: its keys, and what its result must guarantee.
import type { KAnonymity, PrivacyModel, PrivacyRequirement } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import {
  KeyConflict,
  NullReference,
  WithinSource,
  type ForeignKeyRule,
  type PrimaryKeyRule,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { column } from './column.ts';
import { choice, flag, integer, name, names, rowOf, share, text, wordField, type Field } from './field.ts';
import { eachOf, inline, list, nested, shape, within } from './shape.ts';
import { enumWords } from './words.ts';

const KEY_CONFLICTS = enumWords('KeyConflict', KeyConflict, 'UpperCamel', { FILL: 'FillFromSources' });
const WITHIN_SOURCE = enumWords('WithinSource', WithinSource, 'lowerCamel');
const NULL_REFERENCES = enumWords('NullReference', NullReference, 'lowerCamel');

const primaryKeyRule = shape<PrimaryKeyRule>({
  columns: names('primaryKey', {
    meaning: 'The columns of the primary key, over all sources.',
    iri: 'csvw:primaryKey',
    example: ['person_id'],
    needs: ['primaryKeyConflict'],
    minItems: 1,
    uniqueItems: true,
    ordered: true,
  }),
  conflict: choice('primaryKeyConflict', KEY_CONFLICTS, { meaning: 'What happens to records with the same key.', needs: ['primaryKey'] }),
  withinSource: choice('withinSource', WITHIN_SOURCE, {
    meaning: '`SourcePriority`: which of several rows of one source stays; required there.',
    needs: ['primaryKey'],
  }),
});

const REFERENCE = { meaning: 'What the key refers to.', iri: 'csvw:reference', required: true } as const;

const foreignKeyRule = shape<ForeignKeyRule>({
  columns: names('columnReference', {
    meaning: 'The columns, in the order of the columns that they refer to.',
    iri: 'csvw:columnReference',
    example: ['country'],
    required: true,
    minItems: 1,
    ordered: true,
  }),
  referencedTable: within(
    'reference',
    name('resource', { meaning: 'The table.', iri: 'csvw:resource', example: 'countries', required: true, always: true }),
    REFERENCE,
  ),
  referencedColumns: within(
    'reference',
    names('columnReference', {
      meaning: 'The columns, in the order of the columns that they refer to.',
      iri: 'csvw:columnReference',
      example: ['country'],
      required: true,
      always: true,
      minItems: 1,
      ordered: true,
    }),
    REFERENCE,
  ),
  nullReference: choice('nullReference', NULL_REFERENCES, {
    meaning: 'What happens to a record whose reference is empty; required where a column of the key may be empty.',
  }),
});

const kAnonymity = shape<KAnonymity>({
  k: integer('k', {
    meaning: 'Each combination of quasi-identifying values stands for at least so many rows.',
    min: 2,
    max: 1_000_000_000,
    example: 10,
    required: true,
    always: true,
  }),
});

const models = eachOf<PrivacyModel['model'], PrivacyModel>(
  { kAnonymity: inline(kAnonymity, 'k') },
  (model) => ({ model }),
  ({ model }) => model,
);

// It stands in the table, beside `privacy: none`; a requirement with a model has no such reason.
const noReason: Field<string> = {
  rows: [],
  above: [],
  choices: [],
  mark: 'noneReason',
  isPresent: () => false,
  read: () => '',
  write: () => undefined,
};

/** What the result of a table must guarantee. */
export const requirement = shape<PrivacyRequirement>({
  models,
  suppressionLimit: share('suppressionLimit', {
    meaning: 'The largest share of rows that may be suppressed.',
    example: '0.04',
    fallback: '0',
  }),
  noneReason: noReason,
});

const requires = nested('requires', requirement, { meaning: 'What the result must guarantee.', always: true });
const none = wordField<boolean>(
  rowOf(
    'privacy',
    { meaning: 'The table needs no guarantee.', example: 'none', needs: ['noneReason'] },
    { kind: '`none`', schema: { const: 'none' } },
  ),
  false,
  (value) => value === 'none',
  (value) => (value ? 'none' : undefined),
);
const noneReason = text('noneReason', {
  meaning: 'Why it needs none.',
  example: 'The table is about countries.',
  needs: ['privacy'],
  minLength: 1,
});

const privacy: Field<PrivacyRequirement | undefined> = {
  rows: [requires, none, noneReason].flatMap(({ rows }) => rows),
  above: [],
  choices: [],
  mark: 'requires',
  isPresent: (from, above) => requires.isPresent(from, above) || none.read(from, above),
  read: (from, above) => {
    if (requires.isPresent(from, above)) return requires.read(from, above);
    return none.read(from, above) ? { models: [], suppressionLimit: 0, noneReason: noneReason.read(from, above) } : undefined;
  },
  write: (value, into, above) => {
    if (!value) return;
    if (value.noneReason === '') return requires.write(value, into, above);
    none.write(true, into, above);
    noneReason.write(value.noneReason, into, above);
  },
};

/** A table. */
export const table = shape<Table>({
  name: name('name', { meaning: 'The name of the table.', iri: 'schema_:name', example: 'person', required: true }),
  description: text('description', {
    meaning: 'What the table holds.',
    iri: 'schema_:description',
    example: 'One row a person.',
  }),
  columns: list('columns', column, {
    meaning: 'The columns; columns of a source that are not named here are not read.',
    iri: 'csvw:column',
    required: true,
    minItems: 1,
    maxItems: 1000,
    ordered: true,
  }),
  primaryKey: inline(primaryKeyRule, 'columns'),
  foreignKeys: list('foreignKeys', foreignKeyRule, {
    meaning: 'Columns whose values must occur in columns of another table, or of the same.',
    iri: 'csvw:foreignKey',
  }),
  privacy,
  unpublished: flag('unpublished', {
    meaning: 'The table is collected for its hierarchies or for a transform, and is not part of the result.',
  }),
});
