import { Outcome } from '@lethe/contracts/gen/lethe/event/v1/event';
import { afterEach, describe, expect, test } from 'vitest';
import { chain } from '../src/chain.ts';
import { fail } from '../src/errors.ts';
import { startServer, USER, type TestServer } from './support/server.ts';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

test('the order of the chain, outermost first, is the one that the design names', () => {
  const dependencies = {
    authenticator: async () => USER,
    auditSink: async () => {},
    admission: { maxUnary: 1, maxStreams: 1, maxBytes: 1_000_000_000, draining: () => false },
    mapError: (error: unknown) => error,
  };
  expect(chain(dependencies).map(([name]) => name)).toEqual([
    'trace',
    'log',
    'errors',
    'deadline',
    'admission',
    'authenticate',
    'audit',
    'authorize',
    'validate',
  ]);
});

describe('what the order means to a caller', () => {
  test('a call that is denied is recorded as denied, and its handler never runs', async () => {
    let ran = false;
    server = await startServer({
      getTask: async () => {
        ran = true;
        return { task: undefined };
      },
    });
    await expect(server.as('nobody').getTask({ taskId: '018f0000-0000-7000-8000-000000000002' })).rejects.toMatchObject({
      reason: 'PERMISSION_DENIED',
    });
    expect(ran).toBe(false);
    expect(server.records.map(({ outcome, reason }) => [outcome, reason])).toEqual([[Outcome.DENIED, 'PERMISSION_DENIED']]);
  });

  test('a permission is looked at before the fields of the request', async () => {
    server = await startServer({});
    await expect(server.as('nobody').getTask({ taskId: 'no uuid' })).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
    await expect(server.client.getTask({ taskId: 'no uuid' })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [expect.objectContaining({ field: 'task_id' })],
    });
  });

  test('the log has the status that the caller got', async () => {
    server = await startServer({});
    await expect(server.as('unknown').listTasks({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
    expect(server.logged.at(-1)).toMatchObject({ msg: 'call', code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED' });
  });

  test('a call whose record cannot be stored fails, though its handler has returned', async () => {
    const auditSink = async (): Promise<void> => {
      throw fail('DEPENDENCY_UNAVAILABLE', { dependency: 'postgres' });
    };
    server = await startServer({ getTask: async () => ({ task: undefined }) }, { auditSink });
    await expect(server.client.getTask({ taskId: '018f0000-0000-7000-8000-000000000002' })).rejects.toMatchObject({
      reason: 'DEPENDENCY_UNAVAILABLE',
    });
  });
});

describe('the caller in the context', () => {
  test('a handler of a method for users has the user', async () => {
    let seen = '';
    server = await startServer({
      listTasks: async (_request, ctx) => {
        seen = ctx.user.userId;
        return { tasks: [], nextPageToken: '' };
      },
    });
    await server.client.listTasks({});
    expect(seen).toBe(USER.userId);
  });

  test('a service is refused a method for users', async () => {
    server = await startServer({ listTasks: async () => ({ tasks: [], nextPageToken: '' }) });
    await expect(server.as('service').listTasks({})).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  });
});
