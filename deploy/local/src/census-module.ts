// The document of the census module.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Json = Record<string, unknown>;

/** The hierarchies of the example, by column. */
const HIERARCHIES: Record<string, string> = {
  sex: 'sex',
  age: 'age',
  race: 'race',
  marital_status: 'marital-status',
  education: 'education',
  native_country: 'native-country',
  workclass: 'workclass',
  occupation: 'occupation',
};

const readHierarchy = (folder: string, file: string): string[][] =>
  readFileSync(join(folder, 'hierarchies', `${file}.csv`), 'utf8')
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(';'));

const text = (name: string, role: string, more: Json = {}): Json => ({
  name,
  datatype: { base: 'string' },
  role,
  trim: true,
  emptyStrategy: 'Ignore',
  ...more,
});
const integer = (name: string, role: string, more: Json = {}, datatype: Json = {}): Json => ({
  name,
  datatype: { base: 'integer', ...datatype },
  role,
  trim: true,
  emptyStrategy: 'Ignore',
  ...more,
});

const COLUMNS: Json[] = [
  integer('person_id', 'identifying', { emptyStrategy: 'DropRecord' }),
  integer('age', 'quasi-identifying', { castPolicy: 'DropRecord', rangeStrategy: 'DropRecord' }, { minimum: '17', maximum: '85' }),
  text('workclass', 'quasi-identifying', { null: ['?'], emptyStrategy: 'DropRecord' }),
  text('education', 'quasi-identifying'),
  integer('education_num', 'insensitive'),
  text('marital_status', 'quasi-identifying'),
  text('occupation', 'quasi-identifying', { null: ['?'], emptyStrategy: 'ReplaceWith', replacement: 'Unknown' }),
  text('race', 'quasi-identifying'),
  text('sex', 'quasi-identifying'),
  integer('capital_gain', 'sensitive'),
  integer('capital_loss', 'sensitive'),
  integer('hours_per_week', 'quasi-identifying', { rangeStrategy: 'Clamp' }, { minimum: '1', maximum: '80' }),
  text('native_country', 'quasi-identifying', { null: ['?'] }),
  text('class', 'sensitive'),
];

const MAPPING: Record<string, string> = {
  education_num: 'education-num',
  marital_status: 'marital-status',
  capital_gain: 'capital-gain',
  capital_loss: 'capital-loss',
  hours_per_week: 'hours-per-week',
  native_country: 'native-country',
};

/** The connections that the document names, by id. */
export type CensusConnections = { people: string; http: string; target: string };

const STEPS: Json[] = [
  { table: 'person', rank: 1, suppress: { scope: 'column', suppressed: ['education_num', 'capital_gain', 'capital_loss'] } },
  { table: 'person', rank: 2, pseudonymize: { pseudonymized: ['person_id'] } },
  {
    table: 'person',
    rank: 3,
    generalize: {
      generalized: [
        { column: 'hours_per_week', intervals: { origin: '0', width: '20', levels: 1 }, level: 1 },
        ...Object.keys(HIERARCHIES).map((column) => ({ column, hierarchy: column })),
      ],
      search: { metric: 'loss', aggregate: 'geometricMean' },
    },
  },
];

/** The source document. */
export const censusDocument = (folder: string, { people, http, target }: CensusConnections): Json => ({
  '@context': 'urn:lethe:context:1',
  '@type': ['Dataset', 'DataModule'],
  name: 'census',
  description: 'Census income records, cleaned, merged and 10-anonymous',
  license: 'CC-BY-4.0',
  tables: [
    {
      name: 'person',
      columns: COLUMNS,
      primaryKey: ['person_id'],
      primaryKeyConflict: 'SourcePriority',
      withinSource: 'first',
      foreignKeys: [
        { columnReference: ['native_country'], reference: { resource: 'countries', columnReference: ['name'] }, nullReference: 'keep' },
      ],
      requires: { k: 10, suppressionLimit: '0.04' },
    },
    {
      name: 'countries',
      columns: [text('name', 'insensitive', { emptyStrategy: 'DropRecord' })],
      privacy: 'none',
      noneReason: 'a list of countries',
      unpublished: true,
    },
  ],
  protocol: [
    {
      table: 'person',
      rank: 1,
      connection: http,
      httpRead: {
        path: '/people',
        rowsPointer: '/people',
        paging: { offset: { offsetParameter: 'offset', limitParameter: 'limit', limit: 5000 } },
        columnMapping: MAPPING,
      },
    },
    { table: 'person', rank: 2, connection: people, tableRead: { table: 'people', columnMapping: MAPPING } },
    { table: 'countries', rank: 1, connection: people, tableRead: { table: 'countries' } },
  ],
  upload: [{ table: 'person', connection: target, mode: 'versioned', target: 'person' }],
  anonymization: {
    steps: STEPS,
    hierarchies: Object.entries(HIERARCHIES).map(([name, file]) => ({ name, rows: readHierarchy(folder, file) })),
  },
});

/** What the transforms declare: the columns that they leave, with the roles that they had. */
export const TRANSFORM_OUTPUTS = COLUMNS.map(({ name, datatype }) => ({ name, type: (datatype as { base: string }).base }));
