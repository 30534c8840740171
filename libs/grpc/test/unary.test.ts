import { Client, credentials, Metadata, status as Status } from '@grpc/grpc-js';
import { Task } from '@lethe/contracts/gen/lethe/task/v1/task';
import { afterEach, describe, expect, test } from 'vitest';
import { CallError, fail, fromServiceError, passOn } from '../src/errors.ts';
import { GROUP_ID, startServer, type TestServer } from './support/server.ts';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const EMPTY = { tasks: [], nextPageToken: '' };
const never = (): Promise<never> => new Promise(() => {});
const RAW = (bytes: Buffer): Buffer => bytes;

const callRaw = (address: string, path: string, request: Buffer, token = 'user'): Promise<CallError | Buffer> => {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return new Promise<CallError | Buffer>((resolve) => {
    client.makeUnaryRequest(path, RAW, RAW, request, metadata, { deadline: Date.now() + 5_000 }, (error, bytes) =>
      resolve(error ? fromServiceError(error) : (bytes ?? Buffer.alloc(0))),
    );
  }).finally(() => client.close());
};

describe('a request', () => {
  test('may leave out fields at any depth: they have their default', async () => {
    server = await startServer({
      updateExtractionScript: async ({ bindings }) => ({
        task: Task.fromPartial({ displayName: bindings[0]?.table ?? '' }),
      }),
    });
    const binding = { table: 'people', script: { scriptId: '018f0000-0000-7000-8000-000000000003' }, rank: 1 };
    const { task } = await server.client.updateExtractionScript({ taskId: GROUP_ID, etag: '*', bindings: [binding] });
    expect(task?.displayName).toBe('people');
  });

  test('that is no message of its type is refused as unreadable', async () => {
    server = await startServer({ listTasks: async () => EMPTY });
    const response = await callRaw(server.address, '/lethe.task.v1.EtlTaskManager/ListTasks', Buffer.from([0x0f, 0xff, 0x01]));
    expect(response).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'UNREADABLE_REQUEST' });
  });

  test('with U+0000 in a text, at any depth, is refused by field', async () => {
    server = await startServer({});
    const binding = { table: 'a\u0000', parameters: { name: 'x\u0000' }, script: { scriptId: GROUP_ID } };
    await expect(server.client.updateExtractionScript({ taskId: GROUP_ID, etag: '*', bindings: [binding] })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: expect.arrayContaining([
        expect.objectContaining({ field: 'bindings[0].table', rule: 'string.no_nul' }),
        expect.objectContaining({ field: 'bindings[0].parameters[…]', rule: 'string.no_nul' }),
      ]),
    });
    expect(server.records).toHaveLength(1);
  });

  test('reaches the handler without the fields that its type does not have', async () => {
    let keys: string[] = [];
    server = await startServer({
      listTasks: async (request) => {
        keys = Object.keys(request);
        return EMPTY;
      },
    });
    // Field 200, a varint.
    await callRaw(server.address, '/lethe.task.v1.EtlTaskManager/ListTasks', Buffer.from([0xc0, 0x0c, 0x01]));
    expect(keys).not.toHaveLength(0);
    expect(keys).not.toContain('_unknownFields');
  });
});

describe('a deadline', () => {
  test('ends a call whose handler does not return, and aborts its signal', async () => {
    const aborted = Promise.withResolvers<unknown>();
    server = await startServer({
      listTasks: (_request, ctx) => {
        ctx.signal.addEventListener('abort', () => aborted.resolve(ctx.signal.reason));
        return never();
      },
    });
    await expect(server.client.listTasks({}, { deadlineMs: 150 })).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(await aborted.promise).toMatchObject({ reason: expect.stringMatching(/^(?:DEADLINE_EXCEEDED|CANCELLED)$/) });
  });

  test('that is longer than the method allows is cut to what it allows', async () => {
    let leftMs = 0;
    server = await startServer({
      listTasks: async (_request, ctx) => {
        leftMs = ctx.deadlineMs - ctx.startTimeMs;
        return EMPTY;
      },
    });
    await server.client.listTasks({}, { deadlineMs: 3_600_000 });
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(30_000);
  });

  test('of a call that has a parent is never later than the parent’s', async () => {
    let outer: TestServer | undefined = undefined;
    let leftMs = 0;
    const inner = await startServer({
      listTasks: async (_request, ctx) => {
        leftMs = ctx.deadlineMs - Date.now();
        return EMPTY;
      },
    });
    try {
      outer = await startServer({ listTasks: (_request, ctx) => inner.client.listTasks({}, { parent: ctx, deadlineMs: 20_000 }) });
      await outer.client.listTasks({}, { deadlineMs: 2_000 });
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(2_000);
    } finally {
      await inner.close();
      await outer?.close();
    }
  });
});

describe('a cancelled call', () => {
  test('aborts the signal of its handler', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const started = Promise.withResolvers<void>();
    const cancel = new AbortController();
    server = await startServer({
      listTasks: (_request, ctx) => {
        ctx.signal.addEventListener('abort', () => aborted.resolve(ctx.signal.reason));
        started.resolve();
        return never();
      },
    });
    const call = server.client.listTasks({}, { signal: cancel.signal });
    await started.promise;
    cancel.abort();
    await expect(call).rejects.toMatchObject({ code: Status.CANCELLED });
    expect(await aborted.promise).toMatchObject({ reason: 'CANCELLED' });
  });
});

describe('admission', () => {
  test('refuses calls over the cap with a delay to wait, and takes the next when one has ended', async () => {
    const release = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    server = await startServer(
      {
        listTasks: async () => {
          entered.resolve();
          await release.promise;
          return EMPTY;
        },
      },
      { admission: { maxUnary: 1, maxStreams: 1, maxBytes: 1_000_000, draining: () => false } },
    );
    const first = server.client.listTasks({});
    await entered.promise;
    await expect(server.client.listTasks({})).rejects.toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      reason: 'OVERLOADED',
      retryDelayMs: expect.any(Number),
    });
    release.resolve();
    await first;
    await expect(server.client.listTasks({})).resolves.toEqual(EMPTY);
  });

  test('refuses every call while the service drains', async () => {
    server = await startServer(
      { listTasks: async () => EMPTY },
      { admission: { maxUnary: 10, maxStreams: 10, maxBytes: 1_000_000, draining: () => true } },
    );
    await expect(server.client.listTasks({})).rejects.toMatchObject({ code: Status.UNAVAILABLE, reason: 'DRAINING' });
  });
});

describe('an error', () => {
  test('of the catalogue reaches the client with its reason, domain, metadata and fields', async () => {
    server = await startServer({
      start: async () => {
        throw fail('RUN_ALREADY_ACTIVE', { run_id: 'r1' }, { fields: [{ field: 'task_id', rule: 'ACTIVE', description: 'has a run' }] });
      },
    });
    await expect(server.client.start({ target: { $case: 'taskId', value: GROUP_ID } })).rejects.toMatchObject({
      reason: 'RUN_ALREADY_ACTIVE',
      domain: 'lethe.task.v1',
      metadata: { run_id: 'r1' },
      fields: [{ field: 'task_id', rule: 'ACTIVE' }],
    });
  });

  test('of another service’s catalogue is a defect', async () => {
    server = await startServer({
      listTasks: async () => {
        throw fail('LAST_OWNER');
      },
    });
    await expect(server.client.listTasks({})).rejects.toMatchObject({ code: Status.INTERNAL, reason: 'INTERNAL' });
  });

  test('that nobody knows is INTERNAL: the client gets an incident, the log the place, neither the text', async () => {
    server = await startServer({
      listTasks: async () => {
        throw new TypeError('the value 4711 of Mrs. Smith');
      },
    });
    const error = await server.client.listTasks({}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: Status.INTERNAL, reason: 'INTERNAL', metadata: { incident_id: expect.any(String) } });
    const defect = server.logged.find(({ msg }) => msg === 'defect');
    expect(defect).toMatchObject({ incidentId: (error as CallError).metadata['incident_id'], error: 'TypeError' });
    expect(String(defect?.['stack'])).toContain('unary.test.ts');
    expect(JSON.stringify([server.logged, (error as CallError).message])).not.toContain('4711');
  });

  test('of a library is mapped before it is a defect', async () => {
    server = await startServer(
      {
        listTasks: async () => {
          throw new RangeError('driver');
        },
      },
      { mapError: (error) => (error instanceof RangeError ? fail('CONFLICT') : error) },
    );
    await expect(server.client.listTasks({})).rejects.toMatchObject({ reason: 'CONFLICT', code: Status.ABORTED });
  });

  test.each([
    [Status.UNAVAILABLE, 'DEPENDENCY_UNAVAILABLE'],
    [Status.DEADLINE_EXCEEDED, 'DEPENDENCY_UNAVAILABLE'],
    [Status.CANCELLED, 'CANCELLED'],
  ])('of a service behind it with code %i is passed on as %s', (code, reason) => {
    expect(passOn(new CallError({ code, domain: 'lethe.data.v1', reason: 'X', metadata: {} }), 'data')).toMatchObject({ reason });
  });
});
