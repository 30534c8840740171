// What all six services must agree on, driven by their descriptors.
import { create, toBinary, type DescMessage } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status as Status, type ServiceError } from '@grpc/grpc-js';
import { methodsOf, resourceFields, serviceType, type MethodInfo } from '@lethe/contracts/registry';
import { fromServiceError, type CallError } from '@lethe/grpc/errors';
import type { Noun } from '@lethe/contracts/nouns';
import { randomUUID } from 'node:crypto';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite, type TestUser } from './suite.ts';

type Outcome = { error: CallError | undefined; bytes: Buffer };

const RAW = (bytes: Buffer): Buffer => bytes;

/** Sends raw bytes to a method, without any client-side help. */
const callRaw = (
  address: string,
  method: MethodInfo,
  request: Buffer,
  metadata: Record<string, string> = {},
  deadlineMs = 10_000,
): Promise<Outcome> => {
  const client = new Client(address, credentials.createInsecure());
  const headers = new Metadata();
  for (const [name, value] of Object.entries(metadata)) headers.add(name, value);
  const options = { deadline: Date.now() + deadlineMs };
  return new Promise<Outcome>((resolve) => {
    const failed = (error: ServiceError): void => resolve({ error: fromServiceError(error), bytes: Buffer.alloc(0) });
    if (method.streaming) {
      const stream = client.makeServerStreamRequest(`/${method.fullName}`, RAW, RAW, request, headers, options);
      stream.on('data', (bytes: Buffer) => {
        stream.cancel();
        resolve({ error: undefined, bytes });
      });
      stream.on('error', failed);
      stream.on('end', () => resolve({ error: undefined, bytes: Buffer.alloc(0) }));
    } else {
      client.makeUnaryRequest(`/${method.fullName}`, RAW, RAW, request, headers, options, (error, bytes) =>
        error ? failed(error) : resolve({ error: undefined, bytes: bytes ?? Buffer.alloc(0) }),
      );
    }
  }).finally(() => client.close());
};

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** A request whose resource fields all hold an id; everything else has its default. */
const requestNaming = (input: DescMessage, id: string): Buffer => {
  const message = create(input) as Record<string, unknown>;
  for (const { field } of resourceFields(input)) {
    if (field.oneof) message[field.oneof.localName] = { case: field.localName, value: id };
    else message[field.localName] = id;
  }
  return Buffer.from(toBinary(input, message as never));
};

const needsGroup = ({ policy }: MethodInfo): boolean => ['ANY_GROUP', 'GROUP_OF_REQUEST', 'GROUP_OF_RESOURCE'].includes(policy.scope);
const isForUsers = ({ policy }: MethodInfo): boolean => policy.callers !== 'SERVICE';

const countOutbox = async (url: string, noun: Noun): Promise<number> => {
  const client = new PgClient({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ count: string }>(
    `select count(*)::text as count from lethe_${noun}.outgoing_event where consumer = 'audit'`,
  );
  await client.end();
  return Number(rows[0]?.count);
};

/** Runs the suite against one service. The test file's name says which. */
export const conformance = (noun: Noun, fullName: string): void => {
  const methods = [...methodsOf(serviceType(fullName)).values()];
  let suite: Suite;
  let nobody: TestUser;
  let worker: TestUser;
  let address = '';
  let groupId = '';
  const call = (method: MethodInfo, request: Buffer, metadata: Record<string, string>, deadlineMs?: number): Promise<Outcome> =>
    callRaw(address, method, request, metadata, deadlineMs);

  describe(`conformance of ${fullName}`, () => {
    beforeAll(async () => {
      suite = await startSuite();
      nobody = await suite.user();
      worker = await suite.user();
      groupId = await suite.group();
      await suite.member(groupId, worker, Role.OWNER, [Duty.TASK_EDITOR, Duty.TASK_MANAGER, Duty.DATA_MANAGER]);
      address = suite.addresses[noun];
    });
    afterAll(() => suite.close());

    test.each(methods)('$name has a policy with a deadline', ({ policy }) => {
      expect(policy.maxDeadlineMs).toBeGreaterThan(0);
    });

    test.each(methods)('$name refuses a call without a token', async (method) => {
      const { error } = await call(method, Buffer.alloc(0), {});
      expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'UNAUTHENTICATED', domain: method.domain });
    });

    test.each(methods)('$name refuses a token that nobody issued', async (method) => {
      const { error } = await call(method, Buffer.alloc(0), bearer('lethe_pat_nobody'));
      expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'UNAUTHENTICATED' });
    });

    test.each(methods.filter(needsGroup))(
      '$name refuses a caller who holds its permission in no group, before any look-up',
      async (method) => {
        const { error } = await call(method, requestNaming(method.input, randomUUID()), bearer(nobody.token));
        expect(error).toMatchObject({
          code: Status.PERMISSION_DENIED,
          reason: 'PERMISSION_DENIED',
          metadata: { permission: method.policy.permission },
        });
      },
    );

    test.each(methods.filter((method) => !isForUsers(method)))('$name is refused for users', async (method) => {
      const { error } = await call(method, Buffer.alloc(0), bearer(suite.admin.token));
      expect(error).toMatchObject({ code: Status.PERMISSION_DENIED, reason: 'SERVICE_ONLY' });
    });

    test.each(methods.filter(isForUsers))('$name refuses bytes that are no message of its type', async (method) => {
      // No field of any message has the wire type 7.
      const { error } = await call(method, Buffer.from([0x0f, 0xff, 0x01]), bearer(suite.admin.token));
      expect([Status.INVALID_ARGUMENT, Status.PERMISSION_DENIED]).toContain(error?.code);
    });

    test.each(methods.filter((method) => isForUsers(method) && method.input.fields.some(({ name }) => name === 'page_size')))(
      '$name refuses a negative page size by naming the field',
      async (method) => {
        const message = create(method.input) as Record<string, unknown>;
        message['pageSize'] = -1;
        for (const { field } of resourceFields(method.input)) message[field.localName] = randomUUID();
        const { token } = method.policy.scope === 'SUPERUSER' ? suite.admin : worker;
        if (method.policy.scope === 'GROUP_OF_REQUEST') message['groupId'] = groupId;
        const { error } = await call(method, Buffer.from(toBinary(method.input, message as never)), bearer(token));
        expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'INVALID_REQUEST' });
        expect(error?.fields.map(({ field }) => field)).toContain('page_size');
      },
    );

    test.each(methods.filter((method) => isForUsers(method) && method.input.fields.some(({ name }) => name === 'page_size')))(
      '$name refuses a page token of another list',
      async (method) => {
        const message = create(method.input) as Record<string, unknown>;
        message['pageToken'] = Buffer.from('other\nkey').toString('base64url');
        const groups = await suite.group();
        for (const { field, kind } of resourceFields(method.input)) message[field.localName] = kind === 'group' ? groups : randomUUID();
        const { error } = await call(method, Buffer.from(toBinary(method.input, message as never)), bearer(suite.admin.token));
        // A list below a resource looks for the resource first.
        expect(['PAGE_TOKEN_MISMATCH', 'NOT_FOUND']).toContain(error?.reason);
      },
    );

    test.each(methods)('$name leaves a record of a denied call', async (method) => {
      const before = await countOutbox(suite.databaseUrl, noun);
      const denied = method.policy.callers === 'SERVICE' ? suite.admin : nobody;
      const { error } = await call(method, requestNaming(method.input, randomUUID()), bearer(denied.token));
      if (error === undefined || !['PERMISSION_DENIED', 'SERVICE_ONLY', 'NOT_FOUND'].includes(error.reason)) return;
      expect(await countOutbox(suite.databaseUrl, noun)).toBe(before + 1);
    });

    test('a deadline that has passed is answered as such', async () => {
      const [method] = methods.filter(isForUsers);
      if (!method) throw new Error('there is no method for users');
      const { error } = await call(method, Buffer.alloc(0), bearer(suite.admin.token), -1);
      expect(error?.code).toBe(Status.DEADLINE_EXCEEDED);
    });

    test('two tokens in one header are refused', async () => {
      const [method] = methods.filter(isForUsers);
      if (!method) throw new Error('there is no method for users');
      const { error } = await call(method, Buffer.alloc(0), { authorization: `Bearer ${suite.admin.token}, Bearer ${nobody.token}` });
      expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'UNAUTHENTICATED' });
    });

    test('health says SERVING, by service name', async () => {
      const client = new Client(address, credentials.createInsecure());
      const name = Buffer.from(fullName);
      const request = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
      const bytes = await new Promise<Buffer | undefined>((resolve) =>
        client.makeUnaryRequest(
          '/grpc.health.v1.Health/Check',
          RAW,
          RAW,
          request,
          new Metadata(),
          { deadline: Date.now() + 5_000 },
          (_error, answer) => resolve(answer),
        ),
      );
      client.close();
      expect(bytes).toEqual(Buffer.from([0x08, 0x01]));
    });
  });
};
