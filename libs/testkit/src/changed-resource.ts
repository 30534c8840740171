// Which resource a method changes, and how whoever reads it sees the change: by its update time, and its etag where it has one.
import { resourceFields, type MethodInfo } from '@lethe/contracts/registry';
import { etagOf } from '@lethe/grpc/etag';
import { expect } from 'vitest';

type DescMessage = MethodInfo['input'];
type DescField = DescMessage['fields'][number];

/** The fields of a message, by their names in the code. */
export type Fields = Record<string, unknown>;

/** A change of a resource as it was seen from outside; `before` is undefined where the resource is new. */
export type SeenChange = { before: Fields | undefined; response: Fields; after: Fields | undefined; revision: bigint | undefined };

// A run goes on by itself between two calls: no two views of it need be equal.
const LIVE = ['lethe.task.v1.Run'];

const has = (type: DescMessage, name: string): boolean => type.fields.some((field) => field.name === name);
const isChange = ({ input }: MethodInfo): boolean => has(input, 'request_id');
const isVersioned = (type: DescMessage): boolean => has(type, 'update_time') && !LIVE.includes(type.typeName);

/** The message that a method's response holds as its result; undefined where it holds none. */
const resultOf = ({ output }: MethodInfo): DescField | undefined =>
  output.fields.find(({ fieldKind, message }) => fieldKind === 'message' && message?.file.proto.package.startsWith('lethe.'));

/** The methods that change a resource with an update time. */
export const changesVersioned = (method: MethodInfo): boolean => {
  const result = resultOf(method)?.message;
  return isChange(method) && result !== undefined && isVersioned(result);
};

/** A method that reads what `method` changes: that gets it, or else that lists it. */
export const readerOf = (method: MethodInfo, methods: readonly MethodInfo[]): MethodInfo => {
  const type = resultOf(method)?.message;
  const reads = (kind: DescField['fieldKind']): MethodInfo | undefined =>
    methods.find(
      (other) => !isChange(other) && other.output.fields.some(({ fieldKind, message }) => fieldKind === kind && message === type),
    );
  const reader = reads('message') ?? reads('list');
  if (!reader) throw new Error(`no method reads what ${method.name} changes`);
  return reader;
};

/** The id of each resource that a request names, by the kind of the resource. */
export const namedIn = ({ input }: MethodInfo, request: Fields): Fields =>
  Object.fromEntries(resourceFields(input).map(({ field, kind }) => [kind, request[field.localName]]));

/** The changed resource in the response of the method. */
export const resultIn = (method: MethodInfo, response: Fields): Fields => (response[resultOf(method)?.localName ?? ''] ?? {}) as Fields;

/** The same resource in what the reader returned; of a list, the item with the same ids. */
export const sameIn = (reader: MethodInfo, response: Fields, resource: Fields): Fields | undefined => {
  const ids = Object.keys(resource).filter((name) => (resource['id'] === undefined ? name.endsWith('Id') : name === 'id'));
  const items = reader.output.fields.flatMap(({ localName }) => response[localName] ?? []) as Fields[];
  return items.find((item) => ids.every((name) => item[name] === resource[name]));
};

/** Expects that a change shows in update time, etag and the record's revision, the same in the response and to who reads it then. */
export const expectShown = ({ before, response, after, revision }: SeenChange): void => {
  const marks = ['updateTime', 'etag'].filter((name) => name in response);
  for (const mark of marks) {
    expect([mark, after?.[mark]]).toEqual([mark, response[mark]]);
    expect([mark, before?.[mark]]).not.toEqual([mark, response[mark]]);
  }
  if (marks.includes('etag')) expect(etagOf(Number(revision ?? 0n))).toBe(response['etag']);
};
