// What a script of rules must be by itself, before it is known which module it will be for: the field rules of the contract, and its own sense.
import { fromBinary } from '@bufbuild/protobuf';
import { createValidator, type Violation as FieldViolation } from '@bufbuild/protovalidate';
import { SuppressScope, type AnonymizationPlan, type AnonymizationStep } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { KeyConflict, WithinSource, type FieldRule, type FieldRules } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { UploadPlan } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { messageType, registry } from '@lethe/contracts/registry';
import { checkHierarchy } from './check-anonymization.ts';
import { checkUploads } from './check-uploads.ts';
import { isColumnRule } from './field-rules.ts';
import { collector, type Report, type Violation } from './violation.ts';

const validator = createValidator({ registry });

const escape = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1');

const pointerOf = ({ field }: FieldViolation): string =>
  field
    .map((part) => {
      const { kind, jsonName, name, index, key } = part as {
        kind: string;
        jsonName?: string;
        name?: string;
        index?: number;
        key?: unknown;
      };
      // A oneof has no name in JSON: its place is that of its message.
      if (kind === 'oneof') return '';
      return `/${kind === 'list_sub' ? String(index) : kind === 'map_sub' ? escape(String(key)) : (jsonName ?? name ?? '')}`;
    })
    .join('');

/** The violations of the contract's field rules in a message, by JSON pointer. */
export const checkFields = (type: string, bytes: Uint8Array): Violation[] => {
  const message = messageType(`lethe.module.v1.${type}`);
  const result = validator.validate(message, fromBinary(message, bytes));
  if (result.kind === 'error') throw result.error;
  if (result.kind === 'valid') return [];
  // The library's texts name the rule and its bound, never the value.
  return result.violations.map((violation) => ({
    pointer: pointerOf(violation),
    rule: violation.ruleId,
    message: violation.message || `breaks the rule ${violation.ruleId}`,
  }));
};

/** What a rule replaces: two of the same would leave open which one is meant. */
const placeOfRule = ({ table, column, rule }: FieldRule): string => {
  const columns = rule?.$case === 'foreignKey' ? rule.value.columns.join(',') : rule?.$case === 'primaryKey' ? '' : column;
  return JSON.stringify([table, rule?.$case, columns]);
};

const checkRule = ({ rule, column }: FieldRule, pointer: string, report: Report): void => {
  if (!rule) return report(pointer, 'RULE_MISSING', 'a rule says nothing');
  if (isColumnRule(rule) && column === '') report(`${pointer}/column`, 'COLUMN_MISSING', 'a rule of a column names none');
  if (!isColumnRule(rule) && column !== '')
    report(`${pointer}/column`, 'COLUMN_UNUSED', 'a key is a rule of its table, and names its columns itself');
  if (rule.$case === 'range') {
    const { minimum, maximum, minExclusive, maxExclusive } = rule.value;
    const bounds = [minimum, maximum, minExclusive, maxExclusive].filter((bound) => bound !== undefined);
    if (bounds.length === 0) report(`${pointer}/range`, 'RANGE_EMPTY', 'a range needs a bound');
    if ((minimum !== undefined && minExclusive !== undefined) || (maximum !== undefined && maxExclusive !== undefined))
      report(`${pointer}/range`, 'RANGE_TWICE', 'a bound is given inclusive and exclusive');
  }
  if (
    rule.$case === 'primaryKey' &&
    rule.value.conflict === KeyConflict.SOURCE_PRIORITY &&
    rule.value.withinSource === WithinSource.UNSPECIFIED
  )
    report(`${pointer}/primaryKey`, 'WITHIN_SOURCE_MISSING', 'SourcePriority needs a rule for rows of one source');
  if (rule.$case === 'foreignKey' && rule.value.columns.length !== rule.value.referencedColumns.length)
    report(`${pointer}/foreignKey`, 'KEY_LENGTH', 'a foreign key has more columns on one side');
};

const checkRules = ({ rules }: FieldRules, report: Report): void => {
  const seen = new Set<string>();
  rules.forEach((rule, index) => {
    checkRule(rule, `/rules/${index}`, report);
    const place = placeOfRule(rule);
    if (seen.has(place)) report(`/rules/${index}`, 'RULE_TWICE', 'a rule before it is for the same table, column and kind');
    seen.add(place);
  });
};

const checkStep = ({ operation }: AnonymizationStep, pointer: string, report: Report): void => {
  if (operation?.$case === 'generalize') {
    const { columns, search } = operation.value;
    columns.forEach(({ level, column }, index) => {
      const at = `${pointer}/generalize/columns/${index}`;
      if (level === undefined && !search) report(at, 'LEVEL_MISSING', 'the column has neither a fixed level nor a search');
      if (columns.findIndex((other) => other.column === column) !== index)
        report(at, 'COLUMN_TWICE', 'the column occurs twice in the step');
    });
  }
  if (operation?.$case === 'suppress') {
    const { scope, values } = operation.value;
    const wantsValues = scope === SuppressScope.VALUE || scope === SuppressScope.RECORD;
    if (wantsValues !== values.length > 0)
      report(`${pointer}/suppress`, 'VALUES_MISMATCH', wantsValues ? 'values to suppress are missing' : 'this scope takes no values');
  }
};

const checkPlan = ({ steps, hierarchies, requirements }: AnonymizationPlan, report: Report): void => {
  steps.forEach((step, index) => checkStep(step, `/steps/${index}`, report));
  hierarchies.forEach((hierarchy, index) => {
    const pointer = `/hierarchies/${index}`;
    if (hierarchy.table === '') checkHierarchy(hierarchy, [], pointer, report);
    else if (hierarchy.rows.length > 0) report(pointer, 'HIERARCHY_TWICE', 'a hierarchy has rows or a table, not both');
    if (hierarchies.findIndex(({ name }) => name === hierarchy.name) !== index)
      report(`${pointer}/name`, 'NAME_TWICE', 'a hierarchy is named twice');
  });
  for (const [table, { models, noneReason }] of Object.entries(requirements)) {
    const pointer = `/requirements/${escape(table)}`;
    if (models.length > 0 && noneReason !== '')
      report(pointer, 'REQUIREMENT_TWICE', 'a requirement has models, or a reason why it needs none');
    if (models.length === 0 && noneReason === '')
      report(pointer, 'REQUIREMENT_MISSING', 'a requirement asks for nothing and does not say why');
  }
};

const checkPlanOfUploads = ({ tables }: UploadPlan, report: Report): void => {
  const known = tables.map(({ table }) => ({ name: table, unpublished: false }));
  checkUploads(known, tables, (pointer, rule, message) => report(pointer.replace(/^\/upload/, '/tables'), rule, message));
};

const CHECKS = { FieldRules: checkRules, AnonymizationPlan: checkPlan, UploadPlan: checkPlanOfUploads };

/** What is wrong in the sense of a script of rules; empty for a kind without such a check. */
export const checkSense = (kind: string, message: unknown): Violation[] => {
  const { report, violations } = collector();
  // The kind says which message it is.
  const check = (CHECKS as Record<string, ((message: never, report: Report) => void) | undefined>)[kind];
  check?.(message as never, report);
  return violations;
};
