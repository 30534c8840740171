// Calls as HTTP/2 frames: what a client may send that no gRPC library would.
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';

/** A gRPC message with its prefix; `declaredBytes` may say another length than it has. */
export const framed = (message: Buffer, declaredBytes = message.length): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(declaredBytes, 1);
  return Buffer.concat([prefix, message]);
};

/** A connection whose errors are the attacker's own business. */
export const openSession = (address: string): ClientHttp2Session => {
  const session = connect(`http://${address}`);
  session.on('error', () => {});
  return session;
};

/** Opens a call; nothing of its response is read until somebody listens. */
export const openCall = (session: ClientHttp2Session, path: string, token?: string): ClientHttp2Stream => {
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  return stream;
};

/** The gRPC status of a call, from its headers or trailers; undefined when the stream ends without one. */
export const statusOf = (stream: ClientHttp2Stream): Promise<number | undefined> =>
  new Promise((resolve) => {
    const take = (headers: Record<string, unknown>): void => {
      if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']));
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('close', () => resolve(undefined));
    stream.resume();
  });

/** The longest that a call of somebody else took while something is under way, calls one after the other. */
export const slowestMs = async (work: Promise<unknown>, call: () => Promise<unknown>): Promise<number> => {
  const ended = new AbortController();
  let slowest = 0;
  const end = (): void => ended.abort();
  void work.then(end, end);
  while (!ended.signal.aborted) {
    const start = performance.now();
    await call();
    slowest = Math.max(slowest, performance.now() - start);
    // A call that needs no socket must leave the event loop its turn.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return slowest;
};
