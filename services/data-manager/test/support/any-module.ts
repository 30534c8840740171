// For tests: random modules of one to four tables that refer to each other, with their rows.
import * as fc from 'fast-check';

/** What a transform makes of table `t0`, in SQL or in TypeScript. */
export const TRANSFORMS = {
  none: '',
  identity: 'SELECT * FROM t0',
  fewer: 'SELECT * FROM t0 WHERE id IS NULL OR id % 3 <> 0',
  doubled: 'SELECT * FROM t0 UNION ALL SELECT * FROM t0',
  beyond: 'SELECT * REPLACE (n + 1000 AS n) FROM t0',
  emptied: 'SELECT * REPLACE (CAST(NULL AS VARCHAR) AS v) FROM t0',
  sameRow: 'export default (row) => row;',
  fewerRows: 'export default (row) => (row.id !== null && row.id % 3 === 0 ? null : row);',
  doubledRow: 'export default (row) => [row, row];',
  emptiedRow: 'export default (row) => ({ ...row, v: null });',
} as const;

/** Whether a transform is in TypeScript. */
export const isTypeScript = (transform: keyof typeof TRANSFORMS): boolean => TRANSFORMS[transform].startsWith('export default');

export type AnyReference = { parent: number; nullReference: 'keep' | 'drop' };
export type AnyRow = { id: number | null; n: number | null; q: string; v: string | null; parents: (number | null)[] };
export type AnyTable = {
  /** Whether the key has a second column, `q`. */
  isComposite: boolean;
  key: '' | 'SourcePriority' | 'DropAllConflicting' | 'GenerateKeys' | 'FillFromSources';
  range: '' | 'Clamp' | 'DropRecord';
  isRequired: boolean;
  references: AnyReference[];
  k: number;
  suppressionLimit: string;
  isOnOwnConnections: boolean;
  sources: AnyStore[];
};
/** The rows of a source, where they lie, and the column that they do not have. */
export type AnyStore = { rows: AnyRow[]; store: 'postgres' | 'csv' | 'jsonl'; lacks: '' | 'n' | 'v' };
export type AnyEdit = { table: number; row: number; kind: 'delete' | 'text' | 'beyond' | 'emptied' | 'stray' };
/** `isTaken`: a table of somebody else lies at the target of `t0`. */
export type AnyModule = {
  tables: AnyTable[];
  isTaken: boolean;
  mode: 'versioned' | 'replace';
  transform: keyof typeof TRANSFORMS;
  edits: AnyEdit[];
};

const id = fc.option(fc.integer({ min: 1, max: 9 }), { freq: 12 });

const rowOf = (referenceCount: number): fc.Arbitrary<AnyRow> =>
  fc.record({
    id,
    n: fc.option(fc.integer({ min: -5, max: 60 }), { freq: 8 }),
    q: fc.constantFrom('A', 'A', 'B', 'C'),
    v: fc.option(fc.constantFrom('x', 'y "z"', ''), { freq: 8 }),
    parents: fc.array(id, { minLength: referenceCount, maxLength: referenceCount }),
  });

const tableOf = (tableCount: number): fc.Arbitrary<AnyTable> =>
  fc
    .array(fc.record({ parent: fc.nat({ max: tableCount - 1 }), nullReference: fc.constantFrom('keep' as const, 'drop' as const) }), {
      maxLength: 2,
    })
    .chain((references) =>
      fc.record({
        isComposite: fc.constantFrom(false, false, false, true),
        key: fc.constantFrom(
          '' as const,
          'SourcePriority' as const,
          'DropAllConflicting' as const,
          'GenerateKeys' as const,
          'FillFromSources' as const,
        ),
        range: fc.constantFrom('' as const, 'Clamp' as const, 'DropRecord' as const),
        isRequired: fc.boolean(),
        references: fc.constant(references),
        k: fc.constantFrom(0, 2, 3),
        suppressionLimit: fc.constantFrom('0', '0.3', '0.6'),
        isOnOwnConnections: fc.boolean(),
        sources: fc.array(
          fc.record({
            rows: fc.array(rowOf(references.length), { minLength: 2, maxLength: 14 }),
            store: fc.constantFrom('postgres' as const, 'postgres' as const, 'csv' as const, 'jsonl' as const),
            lacks: fc.constantFrom('' as const, '' as const, '' as const, 'n' as const, 'v' as const),
          }),
          { minLength: 1, maxLength: 2 },
        ),
      }),
    );

const edit = (tableCount: number): fc.Arbitrary<AnyEdit> =>
  fc.record({
    table: fc.nat({ max: tableCount - 1 }),
    row: fc.nat({ max: 5 }),
    kind: fc.constantFrom('delete' as const, 'text' as const, 'beyond' as const, 'emptied' as const, 'stray' as const),
  });

/** A module whatever its tables are: keys, references and cycles, ranges, required columns, several sources, k, a transform, edits. */
export const anyModule: fc.Arbitrary<AnyModule> = fc.integer({ min: 1, max: 4 }).chain((tableCount) =>
  fc.record({
    tables: fc.array(tableOf(tableCount), { minLength: tableCount, maxLength: tableCount }),
    isTaken: fc.nat({ max: 11 }).map((number) => number === 0),
    mode: fc.constantFrom('versioned' as const, 'replace' as const),
    transform: fc.constantFrom<keyof typeof TRANSFORMS>(
      'none',
      'none',
      'none',
      'none',
      ...(Object.keys(TRANSFORMS) as (keyof typeof TRANSFORMS)[]),
    ),
    edits: fc.array(edit(tableCount), { maxLength: 3 }),
  }),
);

export const referenceColumn = (index: number): string => `r${index}`;

/** The columns of a table: name, type, and what the document says of their values. */
export const columnsOf = ({ range, isRequired, references, k }: AnyTable) => [
  { name: 'id', datatype: { base: 'integer' }, role: 'insensitive' },
  {
    name: 'n',
    datatype: { base: 'integer', ...(range === '' ? {} : { minimum: '0', maximum: '50' }) },
    role: 'insensitive',
    ...(range === '' ? {} : { rangeStrategy: range }),
  },
  { name: 'q', datatype: { base: 'string' }, role: k === 0 ? 'insensitive' : 'quasi-identifying' },
  { name: 'v', datatype: { base: 'string' }, role: 'insensitive', ...(isRequired ? { emptyStrategy: 'DropRecord' } : {}) },
  ...references.map((_, index) => ({ name: referenceColumn(index), datatype: { base: 'integer' }, role: 'insensitive' })),
];

/** The columns of a table's key. */
export const keyOf = ({ isComposite }: AnyTable): string[] => (isComposite ? ['id', 'q'] : ['id']);

const tableDocument = (table: AnyTable, index: number) => ({
  name: `t${index}`,
  columns: columnsOf(table),
  ...(table.key === ''
    ? {}
    : {
        primaryKey: keyOf(table),
        primaryKeyConflict: table.key,
        ...(table.key === 'SourcePriority' ? { withinSource: 'first' } : {}),
      }),
  foreignKeys: table.references.map(({ parent, nullReference }, place) => ({
    columnReference: [referenceColumn(place)],
    reference: { resource: `t${parent}`, columnReference: ['id'] },
    nullReference,
  })),
  ...(table.k === 0
    ? { privacy: 'none', noneReason: 'made up for a test' }
    : { requires: { k: table.k, suppressionLimit: table.suppressionLimit } }),
});

/** The connection of a source, and the table that it is there. */
export type AnySource = { table: number; rank: number; connection: string };

/** The document of a module. `sources` name where its rows lie, as `s<table>_<rank>`. */
export const documentOf = ({ tables, mode }: AnyModule, sources: readonly AnySource[], target: string): Record<string, unknown> => ({
  '@context': 'urn:lethe:context:1',
  '@type': ['Dataset', 'DataModule'],
  name: 'any module',
  tables: tables.map(tableDocument),
  protocol: sources.map(({ table, rank, connection }) => {
    const own = tables[table];
    const { lacks, store } = own?.sources[rank - 1] ?? { lacks: '', store: 'postgres' };
    const name = `s${table}_${rank}`;
    const names = own ? columnsOf(own).map(({ name }) => name) : [];
    return {
      table: `t${table}`,
      rank,
      connection,
      ...(lacks === '' ? {} : { sourceColumns: names.filter((name) => name !== lacks) }),
      ...(store === 'postgres' ? { tableRead: { table: name } } : { fileRead: { path: `${name}.${store}`, format: store } }),
    };
  }),
  upload: tables.map((_, index) => ({ table: `t${index}`, connection: target, mode, target: `t${index}` })),
  anonymization: {
    steps: tables.flatMap(({ k }, index) =>
      k === 0
        ? []
        : [{ table: `t${index}`, rank: 1, generalize: { generalized: [{ column: 'q', hierarchy: 'q' }], search: { metric: 'loss' } } }],
    ),
    hierarchies: [{ name: 'q', rows: ['A', 'B', 'C'].map((leaf) => [leaf, '*']) }],
  },
});

const literal = (value: number | string | null): string =>
  value === null ? 'null' : typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;

type StoredRow = Record<string, number | string | null>;

const rowsOf = ({ rows, lacks }: AnyStore): StoredRow[] =>
  rows.map(({ parents, ...values }) => {
    const row: StoredRow = { ...values, ...Object.fromEntries(parents.map((parent, at) => [referenceColumn(at), parent])) };
    if (lacks !== '') delete row[lacks];
    return row;
  });

const csvCell = (value: number | string | null | undefined): string =>
  typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value ?? '');

const csvText = (rows: readonly StoredRow[]): string => {
  const names = Object.keys(rows[0] ?? {});
  return [names, ...rows.map((row) => names.map((name) => csvCell(row[name])))].map((cells) => `${cells.join(',')}\n`).join('');
};

/** The files of a module's sources that lie in files, by name. */
export const sourceFiles = ({ tables }: AnyModule): Map<string, string> =>
  new Map(
    tables.flatMap(({ sources }, index) =>
      sources.flatMap((source, place) => {
        if (source.store === 'postgres') return [];
        const rows = rowsOf(source);
        const text = source.store === 'csv' ? csvText(rows) : rows.map((row) => `${JSON.stringify(row)}\n`).join('');
        return [[`s${index}_${place + 1}.${source.store}`, text] as const];
      }),
    ),
  );

/** SQL that makes the sources of a module that lie in a schema. */
export const sourceSql = ({ tables }: AnyModule, schema: string): string =>
  tables
    .flatMap(({ references, sources }, index) =>
      sources.map(({ rows, lacks, store }, place) => {
        if (store !== 'postgres') return '';
        const extra = references.map((_, at) => `, ${referenceColumn(at)} int`).join('');
        const values = rows.map(({ id: key, n, q, v, parents }) => `(${[key, n, q, v, ...parents].map(literal).join(', ')})`);
        const name = `${schema}.s${index}_${place + 1}`;
        const without = lacks === '' ? '' : `alter table ${name} drop column ${lacks};`;
        return `create table ${name} (id int, n int, q text, v text${extra}); insert into ${name} values ${values.join(', ')}; ${without}`;
      }),
    )
    .join('\n');
