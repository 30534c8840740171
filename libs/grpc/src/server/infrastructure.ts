// Limits of the calls that need no credential: health and reflection.
import { ServerInterceptingCall, status as Status, type ServerInterceptor } from '@grpc/grpc-js';

/** How many such calls are open at once, unary ones and streams apart, and how long a stream may last. */
export type InfrastructureLimits = { maxUnary: number; maxStreams: number; maxReflectionMs: number };

const REFUSED = { code: Status.RESOURCE_EXHAUSTED, details: 'too many calls that need no credential are open' };
const OVERDUE = { code: Status.DEADLINE_EXCEEDED, details: 'the stream has lasted as long as it may' };

const isInfrastructure = (path: string): boolean => path.startsWith('/grpc.');

/** Refuses health and reflection calls over the cap, and ends streams of reflection that last too long. */
export const infrastructure = (limits: InfrastructureLimits): ServerInterceptor => {
  const open = { unary: 0, stream: 0 };
  return ({ path, responseStream }, call) => {
    if (!isInfrastructure(path)) return new ServerInterceptingCall(call);
    const kind = responseStream ? 'stream' : 'unary';
    let release = (): void => {};
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, proceed) => {
            if (open[kind] >= (kind === 'unary' ? limits.maxUnary : limits.maxStreams)) return call.sendStatus(REFUSED);
            open[kind] += 1;
            const lasts = responseStream && path.startsWith('/grpc.reflection.');
            const timer = lasts ? setTimeout(() => call.sendStatus(OVERDUE), limits.maxReflectionMs) : undefined;
            release = () => {
              clearTimeout(timer);
              open[kind] -= 1;
              release = () => {};
            };
            return proceed(metadata);
          },
          // grpc-js calls it at the end of every call, however it ends.
          onCancel: () => release(),
        });
      },
    });
  };
};
