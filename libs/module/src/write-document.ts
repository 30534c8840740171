// The typed module → a document. What has its default is left out.
import type {
  AnonymizationPlan,
  AnonymizationStep,
  GeneralizedColumn,
  PrivacyRequirement,
} from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { Paging, ProtocolEntry } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import type { Column, Module, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { TableUpload } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { CONTEXT_URL } from './context.ts';
import type { Json } from './read-document.ts';
import * as terms from './terms.ts';

const isAbsent = (value: unknown): boolean =>
  value === undefined ||
  value === '' ||
  value === 0 ||
  value === false ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** An object without the members that have their default; `kept` stay whatever they are. */
const compact = (from: object, ...kept: string[]): Json =>
  Object.fromEntries(Object.entries(from).filter(([key, value]) => (kept.includes(key) ? value !== undefined : !isAbsent(value))));

// Exact for the limits that a document may hold.
const decimal = (value: number): string => value.toFixed(12).replace(/\.?0+$/, '');

const writeRequirement = (from: PrivacyRequirement): Json => ({
  k: from.models.map(({ model }) => model?.value.k ?? 0)[0] ?? 0,
  ...(from.suppressionLimit > 0 ? { suppressionLimit: decimal(from.suppressionLimit) } : {}),
});

const writeColumn = ({ name, description, type, role, trim, empty, cast, range }: Column): Json =>
  compact({
    name,
    description,
    datatype: compact({
      base: terms.BASE_TYPES.toWord(type?.base ?? 0),
      decimalDigits: type?.precision,
      fractionDigits: type?.scale,
      ...Object.fromEntries(
        Object.entries({
          minimum: range?.minimum,
          maximum: range?.maximum,
          minExclusive: range?.minExclusive,
          maxExclusive: range?.maxExclusive,
        }).filter(([, value]) => value !== undefined),
      ),
    }),
    role: terms.ROLES.toWord(role),
    trim,
    null: empty?.nullMarkers,
    emptyStrategy: empty && terms.EMPTY_STRATEGIES.toWord(empty.strategy),
    replacement: empty?.replacement,
    castPolicy: cast && terms.CAST_POLICIES.toWord(cast.policy),
    castReplacement: cast?.replacement,
    rangeStrategy: range && terms.RANGE_STRATEGIES.toWord(range.strategy),
  });

const writePrivacy = (from: PrivacyRequirement | undefined): Json => {
  if (!from) return {};
  return from.noneReason === '' ? { requires: writeRequirement(from) } : { privacy: 'none', noneReason: from.noneReason };
};

const writeTable = (from: Table): Json =>
  compact({
    name: from.name,
    columns: from.columns.map(writeColumn),
    primaryKey: from.primaryKey?.columns,
    primaryKeyConflict: from.primaryKey && terms.KEY_CONFLICTS.toWord(from.primaryKey.conflict),
    withinSource: from.primaryKey && terms.WITHIN_SOURCE.toWord(from.primaryKey.withinSource),
    foreignKeys: from.foreignKeys.map(({ columns, referencedTable, referencedColumns, nullReference }) =>
      compact({
        columnReference: columns,
        reference: { resource: referencedTable, columnReference: referencedColumns },
        nullReference: terms.NULL_REFERENCES.toWord(nullReference),
      }),
    ),
    ...writePrivacy(from.privacy),
    unpublished: from.unpublished,
  });

const writePaging = ({ kind }: Paging): Json => {
  switch (kind?.$case) {
    case 'pageNumber':
      return { pageNumber: compact(kind.value) };
    case 'offset':
      return { offset: compact(kind.value) };
    case 'token':
      return { token: compact(kind.value) };
    case undefined:
      return {};
  }
};

const writeEntry = ({ table, rank, collect }: ProtocolEntry): Json => {
  const direct = { table, rank, connection: collect?.value.connectionId };
  switch (collect?.$case) {
    case 'script': {
      const { script, parameters, ...binding } = collect.value;
      return compact({
        table: binding.table,
        rank: binding.rank,
        connection: binding.connectionId,
        script: script?.scriptId,
        scriptVersion: script?.version,
        parameters,
      });
    }
    case 'tableRead':
      return compact({
        ...direct,
        tableRead: compact({ schema: collect.value.schema, table: collect.value.table, columnMapping: collect.value.columns }),
      });
    case 'fileRead': {
      const { path, format, csv, columns } = collect.value;
      return compact({
        ...direct,
        fileRead: compact({ path, format: terms.FILE_FORMATS.toWord(format), csv: csv && compact(csv), columnMapping: columns }),
      });
    }
    case 'httpRead': {
      const { path, query, rowsPointer, paging, columns } = collect.value;
      return compact({
        ...direct,
        httpRead: compact({ path, query, rowsPointer, paging: paging && writePaging(paging), columnMapping: columns }),
      });
    }
    case undefined:
      return compact(direct);
  }
};

const writeScheme = (scheme: GeneralizedColumn['scheme']): Json => {
  switch (scheme?.$case) {
    case 'hierarchy':
      return { hierarchy: scheme.value };
    case 'intervals':
      return { intervals: compact(scheme.value) };
    case 'dates':
      return { units: scheme.value.units.map(terms.DATE_UNITS.toWord) };
    case 'prefix':
      return { prefix: compact(scheme.value) };
    case undefined:
      return {};
  }
};

const writeOperation = (operation: AnonymizationStep['operation']): Json => {
  switch (operation?.$case) {
    case 'generalize': {
      const { columns, search } = operation.value;
      const generalized = columns.map(({ column, scheme, level }) => compact({ column, ...writeScheme(scheme), level }, 'level'));
      return {
        generalize: {
          generalized,
          ...(search
            ? { search: compact({ metric: terms.METRICS.toWord(search.metric), aggregate: terms.AGGREGATES.toWord(search.aggregate) }) }
            : {}),
        },
      };
    }
    case 'suppress':
      return {
        suppress: compact({
          scope: terms.SCOPES.toWord(operation.value.scope),
          suppressed: operation.value.columns,
          values: operation.value.values,
        }),
      };
    case 'pseudonymize':
      return {
        pseudonymize: compact({ pseudonymized: operation.value.columns, domain: operation.value.domain, length: operation.value.length }),
      };
    case undefined:
      return {};
  }
};

const writeAnonymization = ({ steps, hierarchies, requirements }: AnonymizationPlan): Json =>
  compact({
    steps: steps.map(({ table, rank, operation }) => ({ table, rank, ...writeOperation(operation) })),
    hierarchies: hierarchies.map(({ name, rows, table }) =>
      table === '' ? { name, rows: rows.map(({ levels }) => levels) } : { name, table },
    ),
    requirements:
      Object.keys(requirements).length > 0
        ? {
            byTable: Object.fromEntries(Object.entries(requirements).map(([table, requirement]) => [table, writeRequirement(requirement)])),
          }
        : undefined,
  });

const writeUpload = ({ table, connectionId, mode, schema, target, format }: TableUpload): Json =>
  compact({
    table,
    connection: connectionId,
    mode: terms.UPLOAD_MODES.toWord(mode),
    schema,
    target,
    format: terms.FILE_FORMATS.toWord(format),
  });

/** Writes a module as a document of context `urn:lethe:context:1`. */
export const writeDocument = (module: Module): Json => ({
  '@context': CONTEXT_URL,
  '@type': ['Dataset', 'DataModule'],
  ...compact({
    name: module.name,
    description: module.description,
    license: module.license,
    creator: module.creator,
    keywords: module.keywords,
    tables: module.tables.map(writeTable),
  }),
  ...(module.protocol ? { protocol: module.protocol.entries.map(writeEntry) } : {}),
  ...(module.upload ? { upload: module.upload.tables.map(writeUpload) } : {}),
  ...(module.anonymization ? { anonymization: writeAnonymization(module.anonymization) } : {}),
  ...(module.provenance
    ? {
        provenance: compact({
          version: module.provenance.version,
          previousVersion: module.provenance.previousVersion,
          run: module.provenance.runId,
          module: module.provenance.moduleId,
          contentHashes: module.provenance.contentHashes,
        }),
      }
    : {}),
});
