// What is read of a request before anybody knows whose it is: no more than its method takes, not for long, and not of many at once.
import { ServerInterceptingCall, status as Status, type ServerInterceptor } from '@grpc/grpc-js';
import type { MethodInfo } from '@lethe/contracts/registry';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { fail, toStatus, type AppError } from '../errors.ts';
import { bearerOf, noBearer } from '../middleware/authenticate.ts';
import { messageLengths, type Refusal } from './message-lengths.ts';

/** How many requests may be unfinished at once, how many bytes they may have said that they have, and for how long one may be. */
export type IntakeLimits = { maxUnfinished: number; maxUnfinishedBytes: number; receiveMs: number };

/** A request that is being received. */
type Unfinished = { sinceMs: number; bytes: number; end: (error: AppError) => void };

// A request that takes longer than this leaves its place to a newer one when there is none: others send theirs within a moment.
const MAY_BE_ENDED_AFTER_MS = 1_000;
const RETRY_DELAY_MS = 250;
const INFRASTRUCTURE_BYTES = 4_096;

const overloaded = (): AppError => fail('OVERLOADED', {}, { retryDelayMs: RETRY_DELAY_MS });

/** The requests that are being received, oldest first. */
const receiving = ({ maxUnfinished, maxUnfinishedBytes }: IntakeLimits) => {
  const open = new Set<Unfinished>();
  let bytes = 0;
  const leave = (request: Unfinished): void => {
    if (open.delete(request)) bytes -= request.bytes;
  };
  const fits = (more: number, moreBytes: number): boolean => open.size + more <= maxUnfinished && bytes + moreBytes <= maxUnfinishedBytes;
  /** Makes room by ending those that have been received for long; false where there are none. */
  const makeRoom = (more: number, moreBytes: number, except?: Unfinished): boolean => {
    for (const oldest of open) {
      if (fits(more, moreBytes)) return true;
      if (oldest === except) continue;
      if (performance.now() - oldest.sinceMs < MAY_BE_ENDED_AFTER_MS) break;
      leave(oldest);
      oldest.end(overloaded());
    }
    return fits(more, moreBytes);
  };
  const enter = (request: Unfinished): boolean => {
    if (!makeRoom(1, 0)) return false;
    open.add(request);
    return true;
  };
  /** Counts the bytes that a request has said that it has. */
  const claim = (request: Unfinished, length: number): boolean => {
    if (!makeRoom(0, length, request)) return false;
    request.bytes += length;
    bytes += length;
    return true;
  };
  return { enter, claim, leave };
};

/** The HTTP/2 stream of a call. grpc-js keeps it to itself; of its public interface, nothing shows a message before it is whole. */
const streamOf = (call: object): Duplex => {
  const { stream } = call as { stream?: Duplex };
  if (typeof stream?.prependListener !== 'function') throw new TypeError('grpc-js has no stream at its call any more');
  return stream;
};

const refusalOf = ({ kind, bytes }: Refusal): AppError =>
  kind === 'LENGTH'
    ? fail('REQUEST_TOO_LARGE', { max_bytes: String(bytes) })
    : fail(
        'UNREADABLE_REQUEST',
        {},
        { message: kind === 'COMPRESSED' ? 'compressed requests are not taken' : 'one request has one message' },
      );

/**
 * Refuses a call without a credential by its metadata, and a request by the length that it says it has; ends a request that is not whole in time.
 * `methods` by path; the others are health and reflection.
 */
export const intake = (limits: IntakeLimits, methods: ReadonlyMap<string, MethodInfo>, log: Logger): ServerInterceptor => {
  const requests = receiving(limits);
  return ({ path, requestStream }, call) => {
    const method = methods.get(path);
    const refuse = (error: AppError): void => {
      const status = toStatus(error, method?.domain ?? '', '');
      log.info(
        {
          method: path.slice(1),
          code: Status[status.code],
          reason: status.reason,
          durationMs: Math.round(performance.now() - request.sinceMs),
        },
        'call',
      );
      call.sendStatus(status);
    };
    const request: Unfinished = { sinceMs: performance.now(), bytes: 0, end: refuse };
    const stream = streamOf(call);
    const overdue = (): void =>
      refuse(fail('DEADLINE_EXCEEDED', {}, { message: `the request was not whole within ${limits.receiveMs / 1000} s` }));
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      requests.leave(request);
    };
    const read = messageLengths({
      maxBytes: method?.policy.maxRequestBytes ?? INFRASTRUCTURE_BYTES,
      maxMessages: requestStream ? Infinity : 1,
    });
    const look = (chunk: Buffer): void => {
      const { refusal, declared } = read(chunk);
      if (refusal) refuse(refusalOf(refusal));
      else if (!requestStream && declared > 0 && !requests.claim(request, declared)) refuse(overloaded());
    };
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, proceed) => {
            if (method && bearerOf(metadata) === undefined) return refuse(noBearer());
            if (!requestStream && !requests.enter(request)) return refuse(overloaded());
            // What streams its requests has an end of its own.
            if (!requestStream) timer = setTimeout(overdue, limits.receiveMs);
            // Before grpc-js sees the bytes: a call that has its status reads no more.
            stream.prependListener('data', look);
            return proceed(metadata);
          },
          onReceiveHalfClose: (proceed) => {
            finish();
            proceed();
          },
          // At the end of every call, however it ends.
          onCancel: finish,
        });
      },
    });
  };
};
