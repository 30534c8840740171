// Look-ups in the descriptor image: methods with their policies, messages for dynamic decoding, redaction, error reasons.
import { readFileSync } from 'node:fs';
import {
  clearField,
  createFileRegistry,
  fromBinary,
  fromJsonString,
  getOption,
  hasOption,
  isMessage,
  toBinary,
  toJson,
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  type FileRegistry,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { commentOf } from './comment.ts';
import { FileDescriptorSetSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';

/** The bytes of the FileDescriptorSet of the whole contract, vendored messages included. */
export const descriptorBytes: Uint8Array = readFileSync(new URL('../gen/descriptors.binpb', import.meta.url));

/** The contract's files, as raw descriptors. */
export const files: readonly FileDescriptorProto[] = fromBinary(FileDescriptorSetSchema, descriptorBytes).file;

/** Everything that the contract declares, by full name. */
export const registry: FileRegistry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorBytes));

/** A method's policy, as the proto files say. Durations in milliseconds. */
export type Policy = {
  readonly permission: string;
  readonly scope: 'AUTHENTICATED' | 'ANY_GROUP' | 'GROUP_OF_REQUEST' | 'GROUP_OF_RESOURCE' | 'CONNECTION_OWNER' | 'SUPERUSER' | 'SERVICE';
  readonly audit: 'ALWAYS' | 'DENIALS';
  readonly callers: 'USER' | 'SERVICE' | 'BOTH';
  readonly maxDeadlineMs: number;
  /** The nouns of the services that may call. */
  readonly services: readonly string[];
  readonly maxRequestBytes: number;
  /** Of the messages and list items in a request, at any depth. */
  readonly maxRequestItems: number;
};

/** A method: its names, its messages, its policy. */
export type MethodInfo = {
  /** `lethe.task.v1.EtlTaskManager/Start` */
  readonly fullName: string;
  /** `Start` */
  readonly name: string;
  /** `lethe.task.v1` */
  readonly domain: string;
  /** `task` */
  readonly noun: string;
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly streaming: boolean;
  readonly policy: Policy;
};

const UNARY_DEADLINE_MS = 30_000;
const STREAM_DEADLINE_MS = 3_600_000;
const REQUEST_BYTES = 262_144;
const REQUEST_ITEMS = 10_000;

const extension = (name: string): DescExtension => {
  const found = registry.getExtension(`lethe.options.v1.${name}`);
  if (!found) throw new Error(`The descriptor image has no extension ${name}; run npm run gen`);
  return found;
};
const policyOption = extension('policy');
const resourceOption = extension('resource');
const errorOption = extension('error');

/** The message type of that full name; throws when the contract has none. */
export const messageType = (fullName: string): DescMessage => {
  const found = registry.getMessage(fullName);
  if (!found) throw new Error(`The contract has no message ${fullName}`);
  return found;
};

/** The service of that full name; throws when the contract has none. */
export const serviceType = (fullName: string): DescService => {
  const found = registry.getService(fullName);
  if (!found) throw new Error(`The contract has no service ${fullName}`);
  return found;
};

/** The six services of the contract, by full name. */
export const services = (): DescService[] =>
  [...registry].filter((type): type is DescService => type.kind === 'service' && type.typeName.startsWith('lethe.'));

const stripPrefix = (value: string, prefix: string): string => (value.startsWith(prefix) ? value.slice(prefix.length) : value);
const enumName = (type: DescEnum, number: number, prefix: string): string => stripPrefix(type.value[number]?.name ?? '', prefix);

const readPolicy = (method: DescMethod): Policy => {
  const name = `${method.parent.typeName}/${method.name}`;
  if (!hasOption(method, policyOption)) throw new Error(`${name} has no policy`);
  const json = toJson(messageType('lethe.options.v1.Policy'), getOption(method, policyOption) as Message, { registry }) as Record<
    string,
    string
  >;
  const text = (key: string, prefix: string): string => stripPrefix(json[key] ?? '', prefix);
  const policy = {
    permission: json['permission'] ?? '',
    scope: text('scope', 'SCOPE_') as Policy['scope'],
    audit: text('audit', 'AUDIT_') as Policy['audit'],
    callers: text('callers', 'CALLERS_') as Policy['callers'],
    services: (json as { services?: string[] }).services ?? [],
    maxDeadlineMs: json['maxDeadline']
      ? Number.parseFloat(json['maxDeadline']) * 1000
      : method.methodKind === 'unary'
        ? UNARY_DEADLINE_MS
        : STREAM_DEADLINE_MS,
    maxRequestBytes: Number(json['maxRequestBytes'] ?? REQUEST_BYTES),
    maxRequestItems: Number(json['maxRequestItems'] ?? REQUEST_ITEMS),
  };
  if (!policy.scope || !policy.audit || !policy.callers) throw new Error(`${name} has an incomplete policy`);
  if (policy.callers !== 'USER' && policy.services.length === 0) throw new Error(`${name} names no service that may call it`);
  if (policy.callers !== 'SERVICE' && !policy.permission) throw new Error(`${name} has no permission`);
  return policy;
};

/** All methods of a service, by name. Throws when one has no policy. */
export const methodsOf = (service: DescService): Map<string, MethodInfo> =>
  new Map(
    service.methods.map((method) => [
      method.name,
      {
        fullName: `${service.typeName}/${method.name}`,
        name: method.name,
        domain: service.file.proto.package,
        noun: service.file.proto.package.split('.')[1] ?? '',
        input: method.input,
        output: method.output,
        streaming: method.methodKind !== 'unary',
        policy: readPolicy(method),
      },
    ]),
  );

/** A method's name in the generated code: `getAll` for `GetAll`. */
export const codeName = (method: string): string => method.charAt(0).toLowerCase() + method.slice(1);

/** Every permission of the contract, sorted: the names that a token's scope may hold. */
export const permissions = (): string[] =>
  [
    ...new Set(
      services()
        .flatMap((service) => [...methodsOf(service).values()])
        .map((method) => method.policy.permission)
        .filter((permission) => permission !== ''),
    ),
  ].toSorted();

/** The fields of a message that hold a resource's id, with the kind of the resource. */
export const resourceFields = (message: DescMessage): { field: DescField; kind: string }[] =>
  message.fields
    .filter((field) => hasOption(field, resourceOption))
    .map((field) => ({ field, kind: getOption(field, resourceOption) as string }));

/** A reason of the error catalogue. */
export type ReasonInfo = {
  readonly reason: string;
  /** The gRPC status code's name. */
  readonly code: string;
  readonly action: string;
  /** The first sentence of the reason's comment: what has happened. */
  readonly meaning: string;
  /** The package; '' for a reason of every service. */
  readonly domain: string;
  /** Whether an audit record of such a call has the outcome DENIED. */
  readonly denial: boolean;
};

// Up to the end of the sentence, or to what a semicolon adds.
const firstSentence = (comment: string): string => /^[^.;]+/.exec(comment)?.[0].trim() ?? '';

const readReasons = (): Map<string, ReasonInfo> => {
  const reasons = new Map<string, ReasonInfo>();
  for (const type of registry) {
    if (type.kind !== 'enum' || !type.name.endsWith('ErrorReason')) continue;
    for (const value of type.values) {
      if (!hasOption(value, errorOption)) continue;
      const spec = toJson(messageType('lethe.options.v1.ErrorSpec'), getOption(value, errorOption) as Message) as {
        code?: string;
        action?: string;
        denial?: boolean;
      };
      const reason = stripPrefix(value.name, type.name === 'CommonErrorReason' ? 'COMMON_ERROR_REASON_' : 'ERROR_REASON_');
      const domain = type.name === 'CommonErrorReason' ? '' : type.file.proto.package;
      reasons.set(`${domain}:${reason}`, {
        reason,
        code: spec.code ?? '',
        action: spec.action ?? '',
        domain,
        denial: spec.denial ?? false,
        meaning: firstSentence(commentOf(type, value)),
      });
    }
  }
  return reasons;
};
const reasons = readReasons();

/** The catalogue's entry of a reason, of the service's own or of the common ones; undefined for an unknown one. */
export const reasonOf = (domain: string, reason: string): ReasonInfo | undefined =>
  reasons.get(`${domain}:${reason}`) ?? reasons.get(`:${reason}`);

/** The whole catalogue. */
export const allReasons = (): ReasonInfo[] => [...reasons.values()];

const redactField = (message: ReflectMessage, field: DescField): void => {
  if (field.proto.options?.debugRedact) {
    clearField(message.message, field);
    return;
  }
  if (!message.isSet(field)) return;
  if (field.fieldKind === 'message') redactReflected(message.get(field));
  if (field.fieldKind === 'list' && field.listKind === 'message')
    for (const item of message.get(field)) redactReflected(item as ReflectMessage);
  if (field.fieldKind === 'map' && field.mapKind === 'message')
    for (const item of message.get(field).values()) redactReflected(item as ReflectMessage);
};
const redactReflected = (message: ReflectMessage): void => {
  if (message.desc.typeName.startsWith('google.protobuf.')) return;
  for (const field of message.fields) redactField(message, field);
};

/** The bytes of a message without its `debug_redact` fields. */
export const redactBytes = (type: DescMessage, bytes: Uint8Array): Uint8Array => {
  const message = fromBinary(type, bytes);
  redactReflected(reflect(type, message));
  return toBinary(type, message);
};

/** A message's proto JSON without its `debug_redact` fields; int64 are strings. */
export const redactedJson = (type: DescMessage, bytes: Uint8Array): JsonValue => {
  const message = fromBinary(type, bytes);
  redactReflected(reflect(type, message));
  return toJson(type, message, { registry });
};

/** A message's proto JSON. */
export const bytesToJson = (type: DescMessage, bytes: Uint8Array): JsonValue => toJson(type, fromBinary(type, bytes), { registry });

/** Reads proto JSON strictly: unknown fields and wrong types throw. */
export const jsonToBytes = (type: DescMessage, json: string): Uint8Array => toBinary(type, fromJsonString(type, json, { registry }));

export { enumName, isMessage };
