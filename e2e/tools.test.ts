// What other people's tools see: reflection with buf curl (and grpcurl, where it is on PATH), JSON over HTTP and gRPC-Web through the edge.
import { createClient, type Client as ConnectClient } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-node';
import type { DescService } from '@bufbuild/protobuf';
import { codeName, registry, serviceType } from '@lethe/contracts/registry';
import { ROOT } from '@lethe/servers/repository';
import { SERVICE_NAMES, type Noun } from '@lethe/contracts/nouns';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestStack, type TestStack } from './support/stack.ts';

const PORT_BASE = 18_200;
const BUF = join(ROOT, 'node_modules/.bin/buf');

// One read of each service, and the field of its response.
const READS: [noun: Noun, method: string, field: string][] = [
  ['user', 'GetUser', 'user'],
  ['script', 'ListScripts', 'scripts'],
  ['extdatamodule', 'GetAllConnection', 'connections'],
  ['task', 'ListTasks', 'tasks'],
  ['data', 'GetAll', 'nextPageToken'],
  ['audit', 'ListAuditLogs', 'auditLogs'],
];

type Unary = (request: object, options: object) => Promise<object>;
type Watch = (request: object, options: object) => AsyncIterable<{ run?: { id: string } }>;

let stack: TestStack;
let token: string;
beforeAll(async () => {
  stack = await startTestStack(PORT_BASE, {});
  token = stack.census.people.admin.token;
});
afterAll(() => stack.stop());

const run = (program: string, args: string[]): { status: number | null; out: string; error: string } => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
  return { status, out: stdout, error: stderr };
};

const bufCurl = (...args: string[]): { status: number | null; out: string; error: string } =>
  run(BUF, ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-H', `authorization: Bearer ${token}`, ...args]);

describe('buf curl', () => {
  test.each(Object.entries(SERVICE_NAMES) as [Noun, string][])('lists the methods of %s by reflection', (noun, name) => {
    const { status, out, error } = bufCurl('--list-methods', `http://${stack.addresses[noun]}`);
    expect([status, error]).toEqual([0, '']);
    const methods = serviceType(name).methods.map((method) => `${name}/${method.name}`);
    expect(out.split('\n').filter((line) => line.startsWith(`${name}/`))).toEqual(methods.toSorted());
  });

  test.each(READS)('calls %s %s with a personal token, knowing the service by reflection alone', (noun, method) => {
    const { status, out, error } = bufCurl(
      '--emit-defaults',
      '-d',
      '{}',
      `http://${stack.addresses[noun]}/${SERVICE_NAMES[noun]}/${method}`,
    );
    expect([status, error]).toEqual([0, '']);
    expect(Object.keys(JSON.parse(out) as object)).not.toHaveLength(0);
  });

  test('shows the reason of an error', () => {
    const { status, error } = bufCurl('-d', '{"groupId":"x"}', `http://${stack.addresses.user}/${SERVICE_NAMES.user}/GetGroup`);
    expect(status).not.toBe(0);
    const [, value = ''] = /google\.rpc\.ErrorInfo",\s*"value": "([^"]*)"/.exec(error) ?? [];
    expect(Buffer.from(value, 'base64').toString()).toContain('INVALID_REQUEST');
    expect(error).toContain('group_id');
  });
});

describe('grpcurl', () => {
  const present = run('grpcurl', ['-version']).status === 0;
  if (!present) process.stdout.write('grpcurl is not on PATH: its tests are skipped\n');

  test.runIf(present).each(READS)('lists and calls %s %s', (noun, method) => {
    const options = ['-plaintext', '-H', `authorization: Bearer ${token}`];
    expect(run('grpcurl', [...options, stack.addresses[noun], 'list']).out).toContain(SERVICE_NAMES[noun]);
    expect(run('grpcurl', [...options, '-d', '{}', stack.addresses[noun], `${SERVICE_NAMES[noun]}/${method}`]).status).toBe(0);
  });
});

describe('the edge', () => {
  test.each(READS)('returns JSON over HTTP: %s %s', async (noun, method) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${stack.edge.url}/${SERVICE_NAMES[noun]}/${method}`, { method: 'POST', headers, body: '{}' });
    expect(response.status).toBe(200);
    expect(typeof (await response.json())).toBe('object');
  });

  test('lets pages of its own origin call it, and no others', async () => {
    const call = (origin: string): Promise<Response> =>
      fetch(`${stack.edge.url}/${SERVICE_NAMES.user}/GetUser`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', origin },
        body: '{}',
      });
    const own = await call(stack.edge.url);
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, stack.edge.url]);
    const foreign = await call('https://elsewhere.example.org');
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  test('returns an error as JSON with its code', async () => {
    const response = await fetch(`${stack.edge.url}/${SERVICE_NAMES.user}/GetUser`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' });
  });

  test.each(READS)('returns gRPC-Web: %s %s', async (noun, method, field) => {
    const service = registry.getService(SERVICE_NAMES[noun]);
    if (!service) throw new Error(`${SERVICE_NAMES[noun]} is not in the registry`);
    const transport = createGrpcWebTransport({ baseUrl: stack.edge.url, httpVersion: '1.1' });
    const client: ConnectClient<DescService> = createClient(service, transport);
    const call: unknown = client[codeName(method)];
    expect(await (call as Unary)({}, { headers: { authorization: `Bearer ${token}` } })).toHaveProperty(field);
  });

  test('streams a watch over gRPC-Web', async () => {
    const { people, setup } = stack.census;
    const { run: started } = await people.manager.task.start({ target: { $case: 'taskId', value: setup.taskId } });
    const service = registry.getService(SERVICE_NAMES.task);
    if (!service) throw new Error('the service is not in the registry');
    const client: ConnectClient<DescService> = createClient(
      service,
      createGrpcWebTransport({ baseUrl: stack.edge.url, httpVersion: '1.1' }),
    );
    const watch: unknown = client['watchRun'];
    for await (const message of (watch as Watch)(
      { runId: started?.id },
      { headers: { authorization: `Bearer ${people.manager.token}` } },
    )) {
      expect(message.run?.id).toBe(started?.id);
      break;
    }
  });
});
