// The content of JSON scripts: strict proto JSON of one message, each problem with its place in the text.
import { AnonymizationPlan } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { FileRead, HttpRead, TableRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { FieldRules } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { TransformOutputs } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { UploadPlan } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { jsonToBytes, messageType } from '@lethe/contracts/registry';
import { checkRead, type CheckedRead } from './check-read.ts';
import { checkFields, checkSense } from './check-script.ts';
import { BASE_TYPES, ROLES } from './fields/column.ts';
import { NAME_PATTERN, type Json } from './fields/field.ts';
import { placeOf } from './json-place.ts';
import { collector, type Violation } from './violation.ts';

const DECODERS = { FieldRules, AnonymizationPlan, UploadPlan, TableRead, FileRead, HttpRead };

/** The kinds of JSON scripts. */
export type ScriptContentKind = keyof typeof DECODERS;

/** The message of a kind. */
export type ScriptContent<K extends ScriptContentKind> = ReturnType<(typeof DECODERS)[K]['decode']>;

const READ_KEYS: Partial<Record<ScriptContentKind, string>> = { TableRead: 'tableRead', FileRead: 'fileRead', HttpRead: 'httpRead' };

const position = (text: string, index: number): { line: number; column: number } => {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};

/** Where in a JSON text the value of a field stands that an error of the decoder names; the whole text when it names none. */
const locate = (text: string, message: string): { line: number; column: number } => {
  const field = /(?:key|field|property|unknown)\W+"?([A-Za-z_]\w*)"?/.exec(message)?.[1];
  const index = field === undefined ? -1 : text.indexOf(`"${field}"`);
  return position(text, Math.max(0, index));
};

const syntaxError = (text: string, error: unknown): Violation => {
  const at = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  return {
    pointer: '',
    rule: 'SYNTAX',
    message: 'the content is not JSON',
    ...position(text, at === undefined ? text.length : Number(at)),
  };
};

// The decoder's sentences quote values after a colon; the names before it are enough.
const withoutValues = (message: string): string => message.replace(/:.*$/s, '').replaceAll(/"[^"]{64,}"/g, '"…"');

const unwrap = (kind: ScriptContentKind, parsed: unknown): unknown => {
  const key = READ_KEYS[kind];
  return key === undefined ? parsed : (parsed as Json | null)?.[key];
};

const checkReadOf = (key: string, read: TableRead): Violation[] => {
  const { report, violations } = collector();
  checkRead({ $case: key, value: read } as CheckedRead, '', report);
  if (read.connectionId !== '') report('/connectionId', 'CONNECTION_TWICE', 'the binding names the connection, not the script');
  return violations;
};

/** Everything that is wrong with a message, each with its place in the text. */
const checkContent = (kind: ScriptContentKind, bytes: Uint8Array, message: unknown, text: string): Violation[] => {
  const key = READ_KEYS[kind];
  const violations = checkFields(kind, bytes);
  // What breaks the contract's own rules would only be repeated.
  if (violations.length === 0) violations.push(...checkSense(kind, message));
  if (key !== undefined) violations.push(...checkReadOf(key, message as TableRead));
  const prefix = key === undefined ? '' : `/${key}`;
  return violations.map((violation) => {
    const pointer = `${prefix}${violation.pointer}`;
    return { ...violation, pointer, ...placeOf(text, pointer) };
  });
};

/** Reads the content of a script of a kind. Extraction is an object of one key that names the read. */
export const parseScriptContent = <K extends ScriptContentKind>(
  kind: K,
  text: string,
): { message: ScriptContent<K> } | { violations: Violation[] } => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return { violations: [syntaxError(text, error)] };
  }
  try {
    const bytes = jsonToBytes(messageType(`lethe.module.v1.${kind}`), JSON.stringify(unwrap(kind, parsed) ?? null));
    const message = DECODERS[kind].decode(bytes) as ScriptContent<K>;
    const violations = checkContent(kind, bytes, message, text);
    return violations.length > 0 ? { violations } : { message };
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    return { violations: [{ pointer: '', rule: 'SHAPE', message: withoutValues(message), ...locate(text, message) }] };
  }
};

const DIGITS = [
  ['decimalDigits', 1],
  ['fractionDigits', 0],
] as const;

/** The type of an output: an object, or a base type with its digits beside it. */
const typeOfOutput = ({ type, decimalDigits, fractionDigits }: Json): Json =>
  typeof type === 'object' && type !== null ? (type as Json) : { base: type, decimalDigits, fractionDigits };

const checkDigits = (type: Json, report: (rule: string, message: string) => void): void => {
  const given = DIGITS.filter(([word]) => type[word] !== undefined);
  if (given.length > 0 && type['base'] !== 'decimal') report('OPTION_UNUSED', 'digits say nothing without the base `decimal`');
  for (const [word, least] of given)
    if (!Number.isInteger(type[word]) || Number(type[word]) < least || Number(type[word]) > 38)
      report('VALUE_MALFORMED', `${word} is a whole number from ${least} to 38`);
};

const readOutput = (from: Json): Column => {
  const type = typeOfOutput(from);
  return Column.fromPartial({
    name: typeof from['name'] === 'string' ? from['name'] : '',
    type: {
      base: BASE_TYPES.toValue(typeof type['base'] === 'string' ? type['base'] : ''),
      precision: Number(type['decimalDigits'] ?? 0),
      scale: Number(type['fractionDigits'] ?? 0),
    },
    role: ROLES.toValue(typeof from['role'] === 'string' ? from['role'] : ''),
  });
};

const checkOutput = (from: unknown, pointer: string, report: (pointer: string, rule: string, message: string) => void): from is Json => {
  if (typeof from !== 'object' || from === null) return (report(pointer, 'SHAPE', 'an output is an object with name and type'), false);
  const { name, role } = from as Json;
  if (typeof name !== 'string' || !new RegExp(NAME_PATTERN).test(name)) report(`${pointer}/name`, 'NAME', 'an output needs a column name');
  if (role !== undefined && (typeof role !== 'string' || !ROLES.words.includes(role)))
    report(`${pointer}/role`, 'ROLE', 'the role is unknown');
  const { base } = typeOfOutput(from as Json);
  checkDigits(typeOfOutput(from as Json), (rule, message) => report(`${pointer}/type`, rule, message));
  if (typeof base !== 'string' || !BASE_TYPES.words.includes(base)) report(`${pointer}/type`, 'TYPE', 'the datatype is missing or unknown');
  return true;
};

/** Reads what a TRANSFORMATION declares: `outputs` (columns with name, type and role), `drops` (tables), `wholeTable`. */
export const parseTransformProperties = (properties: Json): { outputs: TransformOutputs } | { violations: Violation[] } => {
  const { report, violations } = collector();
  const { outputs, drops = [], wholeTable = false, ...others } = properties;
  for (const key of Object.keys(others))
    if (['output', 'drop', 'whole_table'].includes(key)) report(`/${key}`, 'UNKNOWN_TERM', 'did you mean outputs, drops or wholeTable?');
  if (!Array.isArray(outputs) || outputs.length === 0)
    report('/outputs', 'OUTPUTS_MISSING', 'a transform declares the columns of the table that it writes');
  const columns = (Array.isArray(outputs) ? (outputs as unknown[]) : []).flatMap((output, index) =>
    checkOutput(output, `/outputs/${index}`, report) ? [readOutput(output)] : [],
  );
  if (new Set(columns.map(({ name }) => name)).size !== columns.length) report('/outputs', 'NAME_TWICE', 'an output column occurs twice');
  if (!Array.isArray(drops) || drops.some((drop) => typeof drop !== 'string')) report('/drops', 'SHAPE', 'drops is a list of table names');
  if (typeof wholeTable !== 'boolean') report('/wholeTable', 'SHAPE', 'wholeTable is true or false');
  return violations.length > 0 ? { violations } : { outputs: { columns, drops: drops as string[], wholeTable: wholeTable === true } };
};
