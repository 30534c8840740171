// The fields of the anonymization plan: steps, hierarchies, requirements.
import {
  Aggregate,
  DateUnit,
  Metric,
  MissingLeaf,
  SuppressScope,
  type AnonymizationPlan,
  type AnonymizationStep,
  type DateTruncation,
  type Generalize,
  type GeneralizedColumn,
  type Hierarchy,
  type HierarchyRow,
  type Intervals,
  type PrefixMask,
  type Pseudonymize,
  type Search,
  type Suppress,
} from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { choice, choices, integer, jsonLiteral, name, names, optionalInteger, rowOf, text, texts, wordField } from './field.ts';
import { inline, list, map, nested, oneOf, shape, within, type Shape } from './shape.ts';
import { requirement } from './table.ts';
import { enumWords } from './words.ts';

const DATE_UNITS = enumWords('DateUnit', DateUnit, 'lowerCamel');
const METRICS = enumWords('Metric', Metric, 'lowerCamel');
const AGGREGATES = enumWords('Aggregate', Aggregate, 'lowerCamel');
const MISSING_LEAVES = enumWords('MissingLeaf', MissingLeaf);
const SCOPES = enumWords('SuppressScope', SuppressScope, 'lowerCamel');

const intervals = shape<Intervals>({
  origin: text('origin', { meaning: 'Where an interval of every level begins.', example: '0', fallback: '0' }),
  width: text('width', { meaning: 'Width of level 1, above 0.', example: '10', required: true, minLength: 1 }),
  factor: integer('factor', { meaning: 'How many widths of a level make one of the next.', max: 1000, example: 2, fallback: '2' }),
  levels: integer('levels', { meaning: 'How many levels have intervals.', max: 32, example: 3, fallback: '1' }),
});

const dates = shape<DateTruncation>({
  units: choices('units', DATE_UNITS, { meaning: 'What a date is cut to, level by level.', minItems: 1, ordered: true }),
});

const prefix = shape<PrefixMask>({
  length: integer('length', { meaning: 'Length of the longest value.', min: 1, max: 64, example: 6, required: true }),
  step: integer('step', { meaning: 'Characters hidden with each level.', max: 64, example: 2, fallback: '1' }),
});

const generalizedColumn = shape<GeneralizedColumn>({
  column: name('column', { meaning: 'The column.', example: 'age', required: true }),
  scheme: oneOf<GeneralizedColumn['scheme']>({
    hierarchy: text('hierarchy', { meaning: 'The name of a hierarchy.', example: 'education', minLength: 1, always: true }),
    intervals: nested('intervals', intervals, { meaning: 'Intervals of a number column.' }),
    dates: inline(dates, 'units'),
    prefix: nested('prefix', prefix, { meaning: 'A text is masked from its end.' }),
  }),
  level: optionalInteger('level', { meaning: 'A fixed level, 0 = the value itself.', example: 1, fallback: 'searched for' }),
  missingLeaf: choice('missingLeaf', MISSING_LEAVES, {
    meaning:
      'What happens to a row whose value the hierarchy does not have; `ListMissingLeaves` shows the values of a run to who may read rows.',
    fallback: '`Fail`',
    only: 'hierarchy',
  }),
});

const search = shape<Search>({
  metric: choice('metric', METRICS, { meaning: 'What the search minimises.', fallback: '`loss`' }),
  aggregate: choice('aggregate', AGGREGATES, {
    meaning: 'How the losses of the columns become one number.',
    fallback: '`geometricMean` for `loss`, `sum` for the others',
  }),
});

const generalize = shape<Generalize>({
  columns: list('generalized', generalizedColumn, {
    meaning: 'The columns, each with one scheme.',
    required: true,
    always: true,
    minItems: 1,
    ordered: true,
  }),
  search: nested('search', search, { meaning: 'Levels that are not fixed are searched for.', always: true }),
});

const suppress = shape<Suppress>({
  scope: choice('scope', SCOPES, { meaning: 'What is removed.', required: true }),
  columns: names('suppressed', { meaning: 'The columns.', example: ['country'], required: true, minItems: 1, ordered: true }),
  values: texts('values', { meaning: '`value` and `record`: the values concerned.', example: ['unknown'], ordered: true }),
});

const pseudonymize = shape<Pseudonymize>({
  columns: names('pseudonymized', { meaning: 'The columns.', example: ['person_id'], required: true, minItems: 1, ordered: true }),
  domain: text('domain', {
    meaning: 'Columns of one domain share their tokens, across tables too.',
    example: 'person',
    fallback: 'the name of the first column',
  }),
  length: integer('length', { meaning: 'Characters of a token.', max: 64, example: 16, fallback: '32' }),
});

const step = shape<AnonymizationStep>({
  table: name('table', { meaning: 'The table.', example: 'person', required: true, always: true }),
  rank: integer('rank', {
    meaning: 'The place in the order of the steps; those of one rank are applied in the order in which they are listed.',
    example: 1,
    required: true,
    always: true,
  }),
  operation: oneOf<AnonymizationStep['operation']>({
    generalize: nested('generalize', generalize, { meaning: 'Makes values less specific.', always: true }),
    suppress: nested('suppress', suppress, { meaning: 'Removes columns, rows, values or cells.', always: true }),
    pseudonymize: nested('pseudonymize', pseudonymize, { meaning: 'Puts keyed tokens in place of values.', always: true }),
  }),
});

const rows = wordField<HierarchyRow[]>(
  rowOf(
    'rows',
    { meaning: 'A value and its ancestors each, from level 0 to the one root.', example: [['Oslo', 'Norway', '*']] },
    { kind: 'list of lists of texts', schema: { type: 'array', items: { type: 'array', items: { type: 'string' }, minItems: 2 } } },
    jsonLiteral,
  ),
  true,
  (value) => (Array.isArray(value) ? (value as string[][]) : []).map((levels) => ({ levels })),
  (value) => value.map(({ levels }) => levels),
);

const bothHierarchy = shape<Hierarchy>({
  name: text('name', {
    meaning: 'The name by which columns refer to it.',
    iri: 'schema_:name',
    example: 'education',
    required: true,
    minLength: 1,
  }),
  rows,
  table: name('table', { meaning: 'Or an unpublished table whose columns are the levels, in order.', example: 'countries' }),
});

const hierarchy: Shape<Hierarchy> = {
  ...bothHierarchy,
  members: { ...bothHierarchy.members, choices: [['rows', 'table']] },
  write: (value, into, above) => {
    bothHierarchy.write(value, into, above);
    if (value.table !== '') delete into['rows'];
  },
};

/** The anonymization plan. */
export const anonymization = shape<AnonymizationPlan>({
  steps: list('steps', step, { meaning: 'The steps, in the order of their rank.' }),
  hierarchies: list('hierarchies', hierarchy, { meaning: 'The ways from values to less specific ones.' }),
  requirements: within('requirements', map('byTable', requirement, { meaning: 'By the name of the table.' }), {
    meaning: "Guarantees of tables; each may raise the table's own, never lower it.",
  }),
});
