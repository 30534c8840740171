import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { isReflectMessage, reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { createValidator, type Violation } from '@bufbuild/protovalidate';
import { registry } from '@lethe/contracts/registry';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CallContext } from '../context.ts';
import { AppError, fail, type FieldViolation } from '../errors.ts';

const validator = createValidator({ registry });

const step = (segment: unknown): string => {
  const { kind, name, localName, key, index } = segment as {
    kind?: string;
    name?: string;
    localName?: string;
    key?: unknown;
    index?: number;
  };
  if (kind === 'list_sub') return `[${index}]`;
  if (kind === 'map_sub') return `["${String(key)}"]`;
  return `.${name ?? localName ?? ''}`;
};

const toField = (violation: Violation): FieldViolation => ({
  field: violation.field.map(step).join('').replace(/^\./, ''),
  rule: violation.ruleId,
  // The library's own texts name the rule and its bound, never the value.
  description: violation.message || `breaks the rule ${violation.ruleId}`,
});

/** The violations of protovalidate's rules in a message of the contract. */
const violationsOf = (type: DescMessage, message: Message): FieldViolation[] => {
  const result = validator.validate(type, message);
  if (result.kind === 'error') throw result.error;
  return result.kind === 'valid' ? [] : result.violations.map(toField);
};

const NUL = '\u0000';

/** Where a text of the message holds U+0000, which neither Postgres nor a file's name can. */
const nulFields = (message: ReflectMessage, path = ''): string[] => {
  const at = (field: DescField, more = ''): string => `${path}${path === '' ? '' : '.'}${field.name}${more}`;
  const inValue = (value: unknown, where: string): string[] => {
    if (typeof value === 'string') return value.includes(NUL) ? [where] : [];
    return isReflectMessage(value) ? nulFields(value, where) : [];
  };
  return message.fields
    .filter((field) => message.isSet(field))
    .flatMap((field) => {
      if (field.fieldKind === 'list')
        return [...message.get(field)].flatMap((item: unknown, index) => inValue(item, at(field, `[${index}]`)));
      if (field.fieldKind === 'map')
        return [...message.get(field)].flatMap(([key, item]: [unknown, unknown]) => [
          ...inValue(key, at(field)),
          ...inValue(item, at(field, '[…]')),
        ]);
      return inValue(message.get(field), at(field));
    });
};

const nulViolations = (type: DescMessage, message: Message, bytes: Uint8Array): FieldViolation[] =>
  // Most requests have no byte that is zero, and none of them a text with U+0000.
  (bytes.includes(0) ? nulFields(reflect(type, message)) : []).map((field) => ({
    field,
    rule: 'string.no_nul',
    description: 'must not hold the character U+0000',
  }));

// A request with more bytes than this gives the calls of others their turn between one step and the next.
const LARGE_BYTES = 65_536;

/** Decodes strictly and applies the rules of the proto files; the response names each field and rule. */
export const validate = async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
  const { method, requestBytes } = ctx;
  const giveTurn = async (): Promise<void> => {
    if (requestBytes.length > LARGE_BYTES) await nextTurn();
  };
  try {
    ctx.request();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw fail('UNREADABLE_REQUEST', {}, { message: `the request is not a ${method.input.typeName}`, cause });
  }
  await giveTurn();
  const broken = violationsOf(method.input, ctx.request());
  await giveTurn();
  const fields = [...broken, ...nulViolations(method.input, ctx.request(), requestBytes)];
  if (fields.length > 0) throw fail('INVALID_REQUEST', {}, { fields });
  await giveTurn();
  return next();
};
