import { toBinary } from '@bufbuild/protobuf';
import { fromJson } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { messageType } from './registry.ts';
import { countItems, topLevelFields } from './wire.ts';

const CREATE_MODULE = messageType('lethe.extdatamodule.v1.CreateDataModuleRequest');
const START = messageType('lethe.task.v1.StartRequest');

const itemsOf = (type: typeof START, json: object, limit = 1_000_000): number =>
  countItems(type, toBinary(type, fromJson(type, json as never)), limit);

test.each([
  ['texts beside each other count for nothing', CREATE_MODULE, { groupId: 'a', displayName: 'b' }, 0],
  ['a document counts as one message', CREATE_MODULE, { document: {} }, 1],
  // The Struct, an entry, its value.
  ['a member of it as its entry and its value', CREATE_MODULE, { document: { a: 1 } }, 3],
  // The Struct, an entry, its value, the list in it, three items.
  ['a list as itself and its items', CREATE_MODULE, { document: { a: [1, 2, 3] } }, 7],
  // As above, and each item holds a Struct.
  ['empty objects as two messages each', CREATE_MODULE, { document: { a: [{}, {}, {}] } }, 10],
  ['a map of texts by its entries', START, { parameters: { a: 'b', c: 'd' } }, 2],
])('%s', (_name, type, json, count) => {
  expect(itemsOf(type, json)).toBe(count);
});

test('counting stops soon after the bound', () => {
  const many = { document: { a: Array.from({ length: 10_000 }, () => ({})) } };
  expect(itemsOf(CREATE_MODULE, many, 50)).toBe(51);
});

test('fields that the contract does not know count, and so does every item of a packed list', () => {
  expect(countItems(START, Buffer.from([0xf8, 0x07, 0x01, 0xf8, 0x07, 0x01]), 10)).toBe(2);
  const notifications = messageType('google.protobuf.FieldMask');
  expect(countItems(notifications, Buffer.from([0x0a, 0x01, 0x61, 0x0a, 0x01, 0x62]), 10)).toBe(2);
  const file = messageType('google.protobuf.SourceCodeInfo.Location');
  expect(countItems(file, Buffer.from([0x0a, 0x03, 0x01, 0x02, 0x03]), 10)).toBe(3);
});

test.each([[[0x22, 0xff, 0xff, 0xff, 0x7f]], [[0x22]], [Array.from({ length: 64 }, () => 0xff)], [[0x0b, 0x0c, 0x0f]]])(
  'bytes that are no message are counted as far as they go: %j',
  (bytes) => {
    expect(countItems(CREATE_MODULE, Buffer.from(bytes), 10)).toBeLessThanOrEqual(11);
  },
);

test('the top-level fields of a message are found by where they are', () => {
  const bytes = toBinary(CREATE_MODULE, fromJson(CREATE_MODULE, { groupId: 'a', document: { a: 1 } }));
  const found = topLevelFields(CREATE_MODULE, bytes);
  expect([...found].map(([{ name }, places]) => [name, places.map(({ from, end }) => end - from)])).toEqual([
    ['group_id', [1]],
    ['document', [16]],
  ]);
});
