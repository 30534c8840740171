// What must not compile. `npm run types` fails where one of these lines compiles.
import { AccessChanged } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { EtlTaskManagerDefinition } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { expect, test } from 'vitest';
import type { Handlers } from '../src/bind.ts';
import { createClient } from '../src/client.ts';
import { fail } from '../src/errors.ts';

type TaskHandlers = Handlers<typeof EtlTaskManagerDefinition>;

test('a reason that no catalogue has does not compile', () => {
  // @ts-expect-error: mistyped.
  expect(fail('RUN_ALREADY_ACTIV').reason).toBe('RUN_ALREADY_ACTIV');
  expect(fail('RUN_ALREADY_ACTIVE').reason).toBe('RUN_ALREADY_ACTIVE');
});

test('a handler of a method for users has no service in its context', () => {
  const listTasks: TaskHandlers['listTasks'] = async (_request, ctx) => {
    // @ts-expect-error: only a method for services has it.
    const name: string = ctx.service.service;
    return { tasks: [], nextPageToken: name + ctx.user.userId };
  };
  expect(listTasks).toBeTypeOf('function');
});

test('a table of handlers that misses a method does not compile', () => {
  // @ts-expect-error: the other methods are missing.
  const handlers: TaskHandlers = { listTasks: async () => ({ tasks: [], nextPageToken: '' }) };
  expect(Object.keys(handlers)).toEqual(['listTasks']);
});

test('a client refuses a field that the request does not have', () => {
  const client = createClient(EtlTaskManagerDefinition, { address: '127.0.0.1:9' });
  // @ts-expect-error: mistyped.
  const call = client.listTasks({ group: 'x' }, { deadlineMs: 1 });
  call.catch(() => {});
  client.close();
  expect(AccessChanged.$type).toBe('lethe.event.v1.AccessChanged');
});
