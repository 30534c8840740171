import { status as Status } from '@grpc/grpc-js';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { WatchRunResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { fail } from '../src/errors.ts';
import type { UserPrincipal } from '../src/principal.ts';
import { GROUP_ID as RUN_ID, startServer, USER, type TestServer } from './support/server.ts';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const message = (resumeToken: string, error = ''): WatchRunResponse => ({
  run: Run.fromPartial({ state: RunState.QUEUED, error }),
  resumeToken,
  checkpoint: false,
});

const tokens = async (messages: AsyncIterable<WatchRunResponse>): Promise<string[]> => {
  const seen: string[] = [];
  for await (const { resumeToken } of messages) seen.push(resumeToken);
  return seen;
};

describe('a stream', () => {
  test('gives its messages in their order and ends with OK', async () => {
    server = await startServer({
      watchRun: async function* () {
        yield message('a');
        yield message('b');
        yield message('c');
      },
    });
    expect(await tokens(server.client.watchRun({ runId: RUN_ID }))).toEqual(['a', 'b', 'c']);
  });

  test('ends with the reason that its handler throws, after the messages before it', async () => {
    server = await startServer({
      watchRun: async function* () {
        yield message('a');
        throw fail('RESUME_TOKEN_INVALID');
      },
    });
    const seen: string[] = [];
    const read = async (running: TestServer): Promise<void> => {
      for await (const { resumeToken } of running.client.watchRun({ runId: RUN_ID })) seen.push(resumeToken);
    };
    await expect(read(server)).rejects.toMatchObject({ reason: 'RESUME_TOKEN_INVALID', code: Status.INVALID_ARGUMENT });
    expect(seen).toEqual(['a']);
  });

  test('whose client leaves runs what its handler has to release', async () => {
    const released = Promise.withResolvers<void>();
    server = await startServer({
      watchRun: async function* (_request, ctx) {
        try {
          for (;;) {
            yield message('again');
            await sleep(20, undefined, { signal: ctx.signal });
          }
        } finally {
          released.resolve();
        }
      },
    });
    for await (const _ of server.client.watchRun({ runId: RUN_ID })) break;
    await released.promise;
  });

  test('is produced no faster than its client reads', async () => {
    const size = 256 * 1024;
    let produced = 0;
    server = await startServer({
      watchRun: async function* () {
        for (let index = 0; index < 400; index += 1) {
          produced += 1;
          yield message(String(index), 'x'.repeat(size));
        }
      },
    });
    let read = 0;
    for await (const _ of server.client.watchRun({ runId: RUN_ID })) {
      read += 1;
      if (read === 3) {
        await sleep(300);
        // What lies between the two: the windows of HTTP/2 and the buffers of both ends, a few MB of 100.
        expect(produced).toBeLessThan(100);
      }
    }
    expect([read, produced]).toEqual([400, 400]);
  });

  test('is cut at its deadline with DEADLINE_EXCEEDED', async () => {
    server = await startServer({
      watchRun: async function* (_request, ctx) {
        yield message('a');
        await sleep(10_000, undefined, { signal: ctx.signal });
      },
    });
    await expect(tokens(server.client.watchRun({ runId: RUN_ID }, { deadlineMs: 200 }))).rejects.toMatchObject({
      code: Status.DEADLINE_EXCEEDED,
    });
  });

  test('counts against the cap of streams until it ends', async () => {
    const release = Promise.withResolvers<void>();
    server = await startServer(
      {
        watchRun: async function* () {
          yield message('a');
          await release.promise;
        },
      },
      { admission: { maxUnary: 1, maxStreams: 1, maxBytes: 1_000_000, draining: () => false } },
    );
    const first = server.client.watchRun({ runId: RUN_ID })[Symbol.asyncIterator]();
    await first.next();
    await expect(tokens(server.client.watchRun({ runId: RUN_ID }))).rejects.toMatchObject({ reason: 'OVERLOADED' });
    release.resolve();
    expect((await first.next()).done).toBe(true);
    expect(await tokens(server.client.watchRun({ runId: RUN_ID }))).toEqual(['a']);
  });

  test('ends within ten seconds after its caller’s right has ended', async () => {
    let principal: UserPrincipal = USER;
    server = await startServer(
      {
        watchRun: async function* (_request, ctx) {
          while (!ctx.signal.aborted) {
            yield message('again');
            await sleep(100, undefined, { signal: ctx.signal }).catch(() => {});
          }
        },
      },
      { authenticator: async () => principal },
    );
    const seen = tokens(server.client.watchRun({ runId: RUN_ID }));
    await sleep(300);
    const start = Date.now();
    principal = { ...USER, superuser: false };
    await expect(seen).rejects.toMatchObject({ reason: 'PERMISSION_DENIED', code: Status.PERMISSION_DENIED });
    expect(Date.now() - start).toBeLessThan(10_000);
  }, 15_000);

  const forever = {
    watchRun: async function* (_request: unknown, ctx: { signal: AbortSignal }) {
      while (!ctx.signal.aborted) {
        yield message('again');
        await sleep(100, undefined, { signal: ctx.signal }).catch(() => {});
      }
    },
  };

  /** The authenticator of a UserManager that goes away after the first question. */
  const awayAfterOnce = (principal: UserPrincipal): (() => Promise<UserPrincipal>) => {
    let asked = 0;
    return async () => {
      asked += 1;
      if (asked > 1) throw fail('DEPENDENCY_UNAVAILABLE', { dependency: 'user' });
      return principal;
    };
  };

  test('ends with its caller’s credential, while UserManager is away too', async () => {
    const principal = { ...USER, expireTimeMs: Date.now() + 2_000 };
    server = await startServer(forever, { authenticator: awayAfterOnce(principal) });
    const start = Date.now();
    await expect(tokens(server.client.watchRun({ runId: RUN_ID }))).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
    expect(Date.now() - start).toBeLessThan(12_000);
  }, 20_000);

  test('lasts for half a minute while UserManager is away, and not much longer', async () => {
    server = await startServer(forever, { authenticator: awayAfterOnce(USER) });
    const start = Date.now();
    await expect(tokens(server.client.watchRun({ runId: RUN_ID }))).rejects.toMatchObject({ reason: 'DEPENDENCY_UNAVAILABLE' });
    expect(Date.now() - start).toBeGreaterThan(29_000);
    expect(Date.now() - start).toBeLessThan(50_000);
  }, 60_000);
});
