// The document of a new version: the schema of the result, and the protocol that collects it.
import type { AnonymizationStep } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { FileFormat, FileRead, type ProtocolEntry, TableRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { CastPolicy, CastRule, EmptyRule, EmptyStrategy, KeyConflict, NullReference } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { Module, type Column, type Generalization, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { UploadMode, type TableUpload } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { createHash } from 'node:crypto';
import { effectOf } from './operation-effects.ts';

const MAX_NAME_BYTES = 63;

/** The name of a version's own table: `<table>__1_0_0`; beyond 63 bytes it is cut and a hash of the whole follows. */
export const versionedName = (table: string, version: string): string => {
  const name = `${table}__${version.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${Buffer.from(name)
    .subarray(0, MAX_NAME_BYTES - 13)
    .toString('utf8')
    .replaceAll('�', '')}_${hash}`;
};

/** What an upload came to. `columns` are those of the stored tables. */
export type Published = {
  version: string;
  previousVersion: string;
  runId: string;
  moduleId: string;
  /** A connection's type decides how its tables are collected. */
  isFile: (connectionId: string) => boolean;
  /** `levels`: those of generalized columns, by name. */
  tables: { table: string; columns: Column[]; contentHash: string; levels: Record<string, number> }[];
};

/** The columns that steps changed, and those of them that are shared pseudonyms. */
const changedColumns = (steps: readonly AnonymizationStep[], table: string): { changed: Set<string>; tokens: Map<string, string> } => {
  const changed = new Set<string>();
  const tokens = new Map<string, string>();
  for (const { operation } of steps.filter((step) => step.table === table)) {
    const effect = operation && effectOf(operation);
    effect?.changed.forEach((column) => changed.add(column));
    effect?.tokens?.columns.forEach((column) => tokens.set(column, effect.tokens?.domain ?? ''));
  }
  return { changed, tokens };
};

/** How each generalized column of a table was made less specific. */
const generalizations = (
  steps: readonly AnonymizationStep[],
  { table, levels }: { table: string; levels: Record<string, number> },
): Map<string, Generalization> => {
  const found = new Map<string, Generalization>();
  for (const { operation } of steps.filter((step) => step.table === table && step.operation?.$case === 'generalize'))
    for (const { column, scheme, level } of operation?.$case === 'generalize' ? operation.value.columns : []) {
      const hierarchy = scheme?.$case === 'hierarchy' ? scheme.value : (scheme?.$case ?? '');
      found.set(column, { hierarchy, level: level ?? levels[column] ?? 0 });
    }
  return found;
};

// Each member is named, so that a new rule does not compile before it is decided what of it is published.
const publishColumn = (
  { name, description, type, role, range, generalization }: Column,
  { isChanged, isGeneralized }: { isChanged: boolean; isGeneralized: Generalization | undefined },
): Column => ({
  name,
  description,
  // The result is written in the canonical form.
  type: type && { ...type, format: undefined },
  role,
  normalize: 0,
  emptyIsNull: false,
  trim: false,
  empty: EmptyRule.fromPartial({ strategy: EmptyStrategy.IGNORE }),
  cast: CastRule.fromPartial({ policy: CastPolicy.FAIL }),
  range: isChanged ? undefined : range,
  // A column that a module before generalized, and that nothing changed here, is still what it was.
  generalization: isGeneralized ?? (isChanged ? undefined : generalization),
});

const publishTable = (plan: EffectivePlan, table: Table, stored: Published['tables'][number]): Table => {
  const { columns } = stored;
  const generalized = generalizations(plan.steps, stored);
  const { changed, tokens } = changedColumns(plan.steps, table.name);
  const names = new Set(columns.map(({ name }) => name));
  const intact = (keys: readonly string[]): boolean => keys.every((name) => names.has(name) && !changed.has(name));
  const source = (name: string): Column | undefined => table.columns.find((column) => column.name === name);
  const primaryKey =
    table.primaryKey && intact(table.primaryKey.columns)
      ? { ...table.primaryKey, conflict: KeyConflict.DROP_ALL_CONFLICTING, withinSource: 0 as const }
      : undefined;
  const kept = table.foreignKeys.filter(({ columns: own, referencedTable, referencedColumns }) => {
    const target = changedColumns(plan.steps, referencedTable);
    const published = plan.results.some(({ name, unpublished }) => name === referencedTable && !unpublished);
    return (
      published &&
      intact(own) &&
      own.every((name, index) => tokens.get(name) === target.tokens.get(referencedColumns[index] ?? '')) &&
      referencedColumns.every((name) => !target.changed.has(name))
    );
  });
  // Published columns may be empty (`Ignore`), so that a key says what it does then; no row may go that was published.
  const foreignKeys = kept.map((key) => ({ ...key, nullReference: NullReference.KEEP }));
  return {
    name: table.name,
    description: table.description,
    columns: columns.map((column) =>
      publishColumn(
        { ...column, description: source(column.name)?.description ?? '', range: source(column.name)?.range },
        { isChanged: changed.has(column.name) || tokens.has(column.name), isGeneralized: generalized.get(column.name) },
      ),
    ),
    primaryKey,
    foreignKeys,
    privacy: table.privacy,
    unpublished: table.unpublished,
  };
};

const collectTable = (upload: TableUpload, published: Published): ProtocolEntry => {
  const name = upload.target || upload.table;
  const stored = upload.mode === UploadMode.REPLACE ? name : versionedName(name, published.version);
  const { connectionId, schema, table } = upload;
  const file = published.isFile(connectionId);
  return {
    table,
    rank: 1,
    sourceColumns: [],
    collect: file
      ? { $case: 'fileRead', value: FileRead.fromPartial({ connectionId, path: `${stored}.csv`, format: FileFormat.CSV }) }
      : { $case: 'tableRead', value: TableRead.fromPartial({ connectionId, schema, table: stored }) },
  };
};

/** Makes the document of a version. CreateDataModule takes it as it is; collecting by it gives the uploaded rows. */
export const publishedModule = (plan: EffectivePlan, published: Published): Module =>
  Module.fromPartial({
    name: plan.moduleName,
    description: plan.description,
    license: plan.license,
    creator: plan.creator,
    keywords: plan.keywords,
    tables: plan.results.flatMap((table) => {
      const stored = published.tables.find((candidate) => candidate.table === table.name);
      return stored ? [publishTable(plan, table, stored)] : [];
    }),
    protocol: { entries: plan.uploads.map((upload) => collectTable(upload, published)) },
    upload: { tables: plan.uploads },
    provenance: {
      version: published.version,
      previousVersion: published.previousVersion,
      runId: published.runId,
      moduleId: published.moduleId,
      contentHashes: Object.fromEntries(published.tables.map(({ table, contentHash }) => [table, contentHash])),
    },
  });
