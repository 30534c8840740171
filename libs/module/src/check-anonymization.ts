// Anonymization: what the steps name exists, hierarchies are whole, and what must be guaranteed is said.
import type {
  AnonymizationStep,
  Generalize,
  GeneralizedColumn,
  Hierarchy,
  PrivacyRequirement,
} from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { MissingLeaf, SuppressScope } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { BaseType, DataType, Role, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { isValue } from './datatype.ts';
import { effectOf } from './operation-effects.ts';
import type { Report } from './violation.ts';

const MAX_HIERARCHY_BYTES = 1024 * 1024;
const NUMBERS: readonly (BaseType | undefined)[] = [BaseType.INTEGER, BaseType.DECIMAL, BaseType.DOUBLE];
const DATES: readonly (BaseType | undefined)[] = [BaseType.DATE, BaseType.DATETIME, BaseType.DATETIMESTAMP];

/** Checks a hierarchy: rows of one length, leaves once, one root. */
export const checkHierarchy = ({ name, rows, table }: Hierarchy, tables: readonly Table[], pointer: string, report: Report): void => {
  if (table !== '') {
    const source = tables.find((candidate) => candidate.name === table);
    if (!source?.unpublished) report(pointer, 'HIERARCHY_TABLE', `the hierarchy ${name} needs a collected, unpublished table ${table}`);
    return;
  }
  const length = rows[0]?.levels.length ?? 0;
  if (length < 2) return report(pointer, 'HIERARCHY_EMPTY', `the hierarchy ${name} has no rows of two levels`);
  if (rows.some(({ levels }) => levels.length !== length))
    report(pointer, 'HIERARCHY_UNEVEN', `the rows of hierarchy ${name} have different numbers of levels`);
  if (new Set(rows.map(({ levels }) => levels[0])).size !== rows.length)
    report(pointer, 'HIERARCHY_LEAF_TWICE', `a leaf of hierarchy ${name} occurs twice`);
  if (new Set(rows.map(({ levels }) => levels.at(-1))).size !== 1)
    report(pointer, 'HIERARCHY_ROOTS', `the hierarchy ${name} has more than one root`);
  if (rows.reduce((sum, { levels }) => sum + levels.join().length, 0) > MAX_HIERARCHY_BYTES)
    report(pointer, 'HIERARCHY_TOO_LARGE', `the hierarchy ${name} has more than 1 MiB; use a table`);
};

/** Where a step, or a part of one, is; and the hierarchies that it may name. */
type Place = { hierarchies: readonly Hierarchy[]; pointer: string; report: Report };

const checkScheme = (column: GeneralizedColumn, base: BaseType | undefined, { hierarchies, pointer, report }: Place): void => {
  const { scheme, missingLeaf } = column;
  if (missingLeaf !== MissingLeaf.UNSPECIFIED && scheme?.$case !== 'hierarchy')
    report(`${pointer}/missingLeaf`, 'MISSING_LEAF_SCHEME', `the column ${column.column} has no hierarchy, which \`missingLeaf\` is for`);
  if (missingLeaf === MissingLeaf.ROOT && base !== BaseType.STRING)
    report(`${pointer}/missingLeaf`, 'MISSING_LEAF_TYPE', `the column ${column.column} is no text, so no value of it is a root`);
  if (scheme?.$case === 'hierarchy' && !hierarchies.some(({ name }) => name === scheme.value))
    report(pointer, 'HIERARCHY_UNKNOWN', `there is no hierarchy ${scheme.value}`);
  if (scheme?.$case === 'dates' && !DATES.includes(base)) report(pointer, 'SCHEME_TYPE', `the column ${column.column} is no date`);
  if (scheme?.$case === 'prefix' && base !== BaseType.STRING) report(pointer, 'SCHEME_TYPE', `the column ${column.column} is no text`);
  if (scheme?.$case !== 'intervals') return;
  if (!NUMBERS.includes(base)) report(pointer, 'SCHEME_TYPE', `the column ${column.column} is no number`);
  const decimal = DataType.fromPartial({ base: BaseType.DECIMAL, precision: 38, scale: 18 });
  if (!isValue(scheme.value.width, decimal) || Number(scheme.value.width) <= 0)
    report(pointer, 'INTERVAL_WIDTH', `the intervals of column ${column.column} need a width above 0`);
  if (scheme.value.origin !== '' && !isValue(scheme.value.origin, decimal))
    report(pointer, 'VALUE_MALFORMED', `the origin of the intervals of column ${column.column} is no number`);
};

const checkGeneralize = (table: Table, { columns, search }: Generalize, { hierarchies, pointer, report }: Place): void => {
  columns.forEach((generalized, index) => {
    const column = table.columns.find(({ name }) => name === generalized.column);
    const place = `${pointer}/generalized/${index}`;
    if (!column) return report(place, 'COLUMN_UNKNOWN', `the table ${table.name} has no column ${generalized.column}`);
    if (search && generalized.level === undefined && column.role !== Role.QUASI_IDENTIFYING)
      report(place, 'ROLE_MISMATCH', `the searched column ${column.name} is not quasi-identifying`);
    if (!search && generalized.level === undefined)
      report(place, 'LEVEL_MISSING', `the column ${column.name} has neither a fixed level nor a search`);
    checkScheme(generalized, column.type?.base, { hierarchies, pointer: place, report });
  });
  if (search && (table.privacy?.models.length ?? 0) === 0)
    report(pointer, 'REQUIREMENT_MISSING', `a search on table ${table.name} needs a requirement`);
};

const checkStep = (tables: readonly Table[], step: AnonymizationStep, { hierarchies, pointer, report }: Place): void => {
  const table = tables.find(({ name }) => name === step.table);
  if (!table) return report(`${pointer}/table`, 'TABLE_UNKNOWN', `a step names a missing table ${step.table}`);
  const { operation } = step;
  if (operation?.$case === 'generalize')
    return checkGeneralize(table, operation.value, { hierarchies, pointer: `${pointer}/generalize`, report });
  for (const name of operation ? effectOf(operation).columns : []) {
    if (!table.columns.some((column) => column.name === name))
      report(pointer, 'COLUMN_UNKNOWN', `the table ${table.name} has no column ${name}`);
  }
  if (operation?.$case !== 'suppress') return;
  const { scope, values } = operation.value;
  const wantsValues = scope === SuppressScope.VALUE || scope === SuppressScope.RECORD;
  if (wantsValues !== values.length > 0)
    report(pointer, 'VALUES_MISMATCH', wantsValues ? 'values to suppress are missing' : 'this scope takes no values');
};

const handles = (step: AnonymizationStep, table: string, column: string): boolean =>
  step.table === table && step.operation !== undefined && effectOf(step.operation).hidden.includes(column);

const checkPrivacy = (table: Table, steps: readonly AnonymizationStep[], pointer: string, report: Report): void => {
  const quasi = table.columns.some(({ role }) => role === Role.QUASI_IDENTIFYING);
  const { models = [], noneReason = '' } = table.privacy ?? {};
  if (quasi && models.length === 0)
    report(pointer, 'REQUIREMENT_MISSING', `the table ${table.name} has quasi-identifying columns and no requirement`);
  if (!quasi && models.length === 0 && noneReason === '')
    report(pointer, 'PRIVACY_UNSAID', `the table ${table.name} has no requirement, and no reason why it needs none`);
  for (const { name, role } of table.columns) {
    if (role === Role.IDENTIFYING && !steps.some((step) => handles(step, table.name, name)))
      report(
        pointer,
        'IDENTIFYING_PUBLISHED',
        `the identifying column ${name} of table ${table.name} is neither pseudonymized nor suppressed`,
      );
  }
};

/** The domain whose tokens a column becomes; undefined where no step pseudonymizes it. */
const domainOf = (steps: readonly AnonymizationStep[], table: string, column: string): string | undefined =>
  steps.flatMap((step) => {
    const tokens = step.table === table && step.operation ? effectOf(step.operation).tokens : undefined;
    return tokens?.columns.includes(column) ? [tokens.domain] : [];
  })[0];

/** Tokens of different domains are never equal, so that no reference between them could be kept, nor rows go with those that they refer to. */
const checkTokenReferences = (table: Table, steps: readonly AnonymizationStep[], pointer: string, report: Report): void =>
  table.foreignKeys.forEach(({ columns, referencedTable, referencedColumns }, index) => {
    const differs = columns.some((column, place) => {
      const [own, other] = [domainOf(steps, table.name, column), domainOf(steps, referencedTable, referencedColumns[place] ?? '')];
      return own !== undefined && other !== undefined && own !== other;
    });
    if (differs)
      report(
        `${pointer}/foreignKeys/${index}`,
        'DOMAINS_DIFFER',
        `a foreign key of table ${table.name} is pseudonymized in another domain than what it references: name one domain in both steps`,
      );
  });

/** An anonymization under check: `tables` as they enter it, `sources` as they are collected. */
export type AnonymizationInput = {
  tables: readonly Table[];
  steps: readonly AnonymizationStep[];
  hierarchies: readonly Hierarchy[];
  sources: readonly Table[];
};

/** Checks the steps, the hierarchies and the requirements of the tables as they enter anonymization. */
export const checkAnonymization = ({ tables, steps, hierarchies, sources }: AnonymizationInput, report: Report): void => {
  hierarchies.forEach((hierarchy, index) => checkHierarchy(hierarchy, sources, `/anonymization/hierarchies/${index}`, report));
  if (new Set(hierarchies.map(({ name }) => name)).size !== hierarchies.length)
    report('/anonymization/hierarchies', 'NAME_TWICE', 'a hierarchy is named twice');
  steps.forEach((step, index) => checkStep(tables, step, { hierarchies, pointer: `/anonymization/steps/${index}`, report }));
  tables.forEach((table, index) => {
    if (table.unpublished) return;
    checkPrivacy(table, steps, `/tables/${index}`, report);
    checkTokenReferences(table, steps, `/tables/${index}`, report);
    const searched = steps.filter(
      (step) => step.table === table.name && step.operation?.$case === 'generalize' && step.operation.value.search,
    );
    if (searched.length > 1) report('/anonymization/steps', 'SEARCH_TWICE', `the table ${table.name} is searched more than once`);
  });
};

const largestK = (requirement: PrivacyRequirement | undefined): number =>
  Math.max(0, ...(requirement?.models ?? []).map(({ model }) => model?.value.k ?? 0));

/** Whether `raised` asks at least what `floor` asks. */
export const isAtLeast = (raised: PrivacyRequirement, floor: PrivacyRequirement | undefined): boolean =>
  !floor || (largestK(raised) >= largestK(floor) && raised.suppressionLimit <= floor.suppressionLimit);
