// Requests of many small parts: refused by their bytes before anybody decodes, records or checks them, while the service goes on for others.
import { fromJson, toBinary, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { NOUNS, SERVICE_NAMES } from '@lethe/contracts/nouns';
import { methodsOf, serviceType, type MethodInfo } from '@lethe/contracts/registry';
import { makePeople, type People } from '@lethe/testkit/people';
import { bearer, callRaw, type Outcome } from '@lethe/testkit/raw-call';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slowestMs } from '../support/raw-http2.ts';

let suite: Suite;
let people: People;
let others: People;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'extdatamodule', 'script'] });
  people = await makePeople(suite);
  others = await makePeople(suite);
});
afterAll(() => suite.close());

type Called = 'extdatamodule' | 'script';

const methodOf = (noun: Called, name: string): MethodInfo => {
  const method = methodsOf(serviceType(SERVICE_NAMES[noun])).get(name);
  if (!method) throw new Error(`there is no ${name}`);
  return method;
};

/** The bytes of a request: made before the clock runs, so that what making them costs is not taken for what serving them costs. */
const request = (noun: Called, name: string, json: JsonValue): Buffer =>
  Buffer.from(toBinary(methodOf(noun, name).input, fromJson(methodOf(noun, name).input, json)));

const send = (noun: Called, name: string, bytes: Buffer, token: string): Promise<Outcome> =>
  callRaw({ address: suite.addresses[noun], method: methodOf(noun, name), request: bytes, metadata: bearer(token) });

const callOfOthers: Record<Called, () => Promise<unknown>> = {
  extdatamodule: () => others.editor.extdatamodule.listDataModules({ groupId: others.groupId }),
  script: () => others.editor.script.listScripts({ groupId: others.groupId }),
};

const empty = (count: number): JsonObject[] => Array.from({ length: count }, () => ({}));
const named = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`\u00e4${index}`, 'x']));

const CASES: [name: string, noun: Called, method: string, json: () => JsonObject][] = [
  [
    'a document of 450,000 empty columns',
    'extdatamodule',
    'CreateDataModule',
    () => ({ document: { tables: [{ columns: empty(450_000) }] } }),
  ],
  ['a document of 450,000 members', 'extdatamodule', 'CreateDataModule', () => ({ document: named(250_000) })],
  ['a script with 450,000 outputs', 'script', 'CreateScript', () => ({ properties: { outputs: empty(450_000) } })],
  ['a script of 100,000 parameters', 'script', 'CreateScript', () => ({ parameters: empty(100_000) })],
  [
    'a connection with 250,000 headers',
    'extdatamodule',
    'CreateConnection',
    () => ({ type: 'http', settings: { headers: named(250_000) } }),
  ],
  [
    'a connection with a text of 4 MB',
    'extdatamodule',
    'CreateConnection',
    () => ({ type: 'http', settings: { a: 'x'.repeat(4_000_000) } }),
  ],
  ['a connection with 15,000 headers', 'extdatamodule', 'CreateConnection', () => ({ type: 'http', settings: { headers: named(15_000) } })],
];

describe.each(CASES)('%s', (_name, noun, method, json) => {
  let bytes: Buffer;
  beforeAll(() => {
    bytes = request(noun, method, { groupId: people.groupId, displayName: 'large', ...json() });
  });

  test.each([
    ['an editor', () => people.editor.token, /^REQUEST_TOO_LARGE$/],
    ['somebody without the permission', () => people.guest.token, /^(?:PERMISSION_DENIED|REQUEST_TOO_LARGE)$/],
  ])('sent by %s is refused, and calls of others are served meanwhile', async (_who, token, reason) => {
    const sent = send(noun, method, bytes, token());
    const slowest = await slowestMs(sent, callOfOthers[noun]);
    expect((await sent).error?.reason).toMatch(reason);
    expect(slowest).toBeLessThan(1_000);
  });
});

const connection = '018f0000-0000-7000-8000-0000000000aa';

const wideModule = (tables: number, columns: number): object => ({
  '@context': 'urn:lethe:context:1',
  '@type': ['Dataset', 'DataModule'],
  name: 'wide',
  description: 'Wide tables',
  tables: Array.from({ length: tables }, (_, table) => ({
    name: `t${table}`,
    privacy: 'none',
    noneReason: 'nobody is in it',
    columns: Array.from({ length: columns }, (_each, column) => ({
      name: `c${column}`,
      datatype: { base: 'string' },
      role: 'insensitive',
    })),
  })),
  protocol: Array.from({ length: tables }, (_, table) => ({
    table: `t${table}`,
    rank: 1,
    connection,
    fileRead: { path: 'a.csv', format: 'csv' },
  })),
});

describe('a document within the bound', () => {
  test.each([
    ['of 4 tables with 1,000 columns each', () => wideModule(4, 1_000), /^saved$/],
    ['of 9,000 columns where 1,000 are allowed', () => wideModule(1, 9_000), /^DOCUMENT_INVALID$/],
    ['of 45,000 empty columns', () => ({ tables: [{ columns: empty(45_000) }] }), /^DOCUMENT_INVALID$/],
  ])('%s is checked, and calls of others are served meanwhile', async (_name, document, outcome) => {
    const json = { groupId: people.groupId, displayName: 'wide', document: document() } as JsonValue;
    const bytes = request('extdatamodule', 'CreateDataModule', json);
    const sent = send('extdatamodule', 'CreateDataModule', bytes, people.editor.token);
    const slowest = await slowestMs(sent, callOfOthers.extdatamodule);
    expect((await sent).error?.reason ?? 'saved').toMatch(outcome);
    // What is within the bounds takes its time, in steps between which others are served.
    expect(slowest).toBeLessThan(2_000);
  });
});

test('the record of a large request has its group, and the document by SHA-256 and size', async () => {
  const document = { name: 'x'.repeat(100_000) };
  const bytes = request('extdatamodule', 'CreateDataModule', { groupId: people.groupId, displayName: 'recorded', document });
  await send('extdatamodule', 'CreateDataModule', bytes, people.editor.token);
  const shown = await until(async () => {
    const { auditLogs } = await people.editor.audit.listAuditLogs({ actorId: people.editor.id, action: 'CreateDataModule' });
    const { auditLog } = await people.editor.audit.getAuditLog({ auditLogId: auditLogs[0]?.record?.id ?? '' });
    return auditLog?.record?.request?.['displayName'] === 'recorded' ? auditLog.record.request : undefined;
  });
  expect(shown).toEqual({
    groupId: people.groupId,
    displayName: 'recorded',
    document: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string, sizeBytes: expect.any(Number) as number },
  });
});

test('only methods that carry documents, scripts, rows or bindings take more than 256 kB', () => {
  const large = NOUNS.flatMap((noun) => [...methodsOf(serviceType(SERVICE_NAMES[noun])).values()])
    .filter(({ policy }) => policy.maxRequestBytes > 262_144)
    .map(({ name }) => name);
  expect(large.toSorted()).toEqual([
    'CreateDataModule',
    'CreateScript',
    'Modifie',
    'PublishDataModuleVersion',
    'TestRows',
    'TestScript',
    'UpdateDataModule',
    'UpdateExtractionScript',
    'UpdateScript',
    'UpdateTransformationScripts',
  ]);
});
