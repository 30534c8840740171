import { AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { status as Status } from '@grpc/grpc-js';
import { CallError } from '@lethe/grpc/errors';
import type { CallContext } from '@lethe/grpc/context';
import { expect, test, vi } from 'vitest';
import { userCache } from './authenticator.ts';

// Contexts are not read: what is shared must not hang on one of them.
const ctx = {} as CallContext;
const response = (id: string, more: object = {}) => AuthenticateResponse.fromPartial({ user: { id }, ...more });
const away = () => new CallError({ code: Status.UNAVAILABLE, domain: '', reason: 'UNAVAILABLE', metadata: {} }, {});

test('concurrent misses share one call, and a later call finds its result', async () => {
  const ask = vi.fn(async () => response('u'));
  const { authenticate } = userCache(ask);
  const found = await Promise.all([authenticate('t', 0n, ctx), authenticate('t', 0n, ctx)]);
  expect(found.map(({ kind }) => kind)).toEqual(['user', 'user']);
  await authenticate('t', 0n, ctx);
  // Nothing of a caller goes with it, by which that caller could end it for the others.
  expect(ask.mock.calls).toEqual([['t']]);
});

test('a failure is told to those who waited for it, and forgotten', async () => {
  const ask = vi.fn(async () => response('u')).mockRejectedValueOnce(away());
  const { authenticate } = userCache(ask);
  const both = await Promise.allSettled([authenticate('t', 0n, ctx), authenticate('t', 0n, ctx)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await authenticate('t', 0n, ctx)).toMatchObject({ userId: 'u' });
});

test('an older call that fails does not take the entry of a newer one away', async () => {
  const failing = Promise.withResolvers<AuthenticateResponse>();
  const ask = vi.fn(async () => response('new', { access: { authzRevision: 2n } })).mockReturnValueOnce(failing.promise);
  const { authenticate, drop } = userCache(ask);
  const first = authenticate('t', 0n, ctx);
  vi.useFakeTimers({ now: Date.now() + 6_000 });
  expect(await authenticate('t', 0n, ctx)).toMatchObject({ userId: 'new' });
  failing.reject(away());
  await expect(first).rejects.toThrow();
  await authenticate('t', 0n, ctx);
  expect(ask).toHaveBeenCalledTimes(2);
  drop('new');
  await vi.waitFor(async () => {
    await authenticate('t', 0n, ctx);
    expect(ask).toHaveBeenCalledTimes(3);
  });
  vi.useRealTimers();
});
