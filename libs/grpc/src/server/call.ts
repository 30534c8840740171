// One call as it arrives: its context, and the last step of the chain.
import { fromBinary, toBinary, type Message } from '@bufbuild/protobuf';
import type { ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { stopwatch } from '@lethe/contracts/clock';
import type { MethodInfo } from '@lethe/contracts/registry';
import { countItems } from '@lethe/contracts/wire';
import type { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { Middleware } from '../chain.ts';
import type { CallContext } from '../context.ts';
import { serialize, type AnyMethod } from '../definition.ts';
import { fail, type MappedStatus } from '../errors.ts';

/** A call of any kind that this library serves. */
export type RawCall = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;

/** What serves the calls of one method. `handler` returns a promise, or messages where the method streams. */
export type Served = {
  info: MethodInfo;
  method: AnyMethod;
  middleware: readonly Middleware[];
  handler: (request: unknown, ctx: CallContext) => unknown;
  log: Logger;
};

const LOOPBACK = /^(?:(?:ipv4:)?127\.|(?:ipv6:)?\[?::1\]?|(?:ipv6:)?\[?::ffff:127\.|unix:)/;

/** Refuses what would cost too much to decode: bytes, or messages and list items, that the policy of the method does not allow. */
const checkSize = ({ policy, input }: MethodInfo, bytes: Buffer): void => {
  const { maxRequestBytes, maxRequestItems } = policy;
  if (bytes.length > maxRequestBytes) throw fail('REQUEST_TOO_LARGE', { max_bytes: String(maxRequestBytes) });
  if (countItems(input, bytes, maxRequestItems) > maxRequestItems) throw fail('REQUEST_TOO_LARGE', { max_items: String(maxRequestItems) });
};

const decodeOnce = (method: MethodInfo, bytes: Buffer): (() => Message) => {
  let message: Message | undefined;
  return () => {
    if (message) return message;
    checkSize(method, bytes);
    return (message = fromBinary(method.input, bytes));
  };
};

/** The context of a call, before any middleware has seen it. */
export const contextOf = ({ info, method, log }: Served, call: RawCall): CallContext => {
  const cancel = new AbortController();
  const events: EventEmitter = call;
  events.on('cancelled', () => cancel.abort(fail('CANCELLED')));
  const deadline = call.getDeadline();
  return {
    method: info,
    codec: {
      serialize: (value) => serialize(method.responseType, value),
      deserialize: (bytes) => method.responseType.decode(bytes),
    },
    requestBytes: call.request,
    request: decodeOnce(info, call.request),
    metadata: call.metadata,
    transportSecure: call.getAuthContext().transportSecurityType === 'ssl' || LOOPBACK.test(call.getPeer()),
    startTimeMs: Date.now(),
    elapsedMs: stopwatch(),
    cancel,
    signal: cancel.signal,
    principal: { kind: 'anonymous' },
    user: undefined,
    service: undefined,
    log,
    traceparent: '',
    deadlineMs: deadline instanceof Date ? deadline.getTime() : deadline,
    groupId: '',
    runId: '',
    resource: '',
    audited: false,
    authenticate: async () => {},
    authorizeAgain: undefined,
    beforeFirstMessage: undefined,
  };
};

/** Calls the handler with the message that the rules have seen, encoded again: two decoders may read the same odd bytes in two ways. */
export const callHandler = ({ info, method, handler }: Served, ctx: CallContext): unknown =>
  handler(method.requestType.decode(toBinary(info.input, ctx.request(), { writeUnknownFields: false })), ctx);

/** A mapped status as the error that grpc-js sends. */
export const toServiceError = (mapped: MappedStatus): MappedStatus & Error => Object.assign(new Error(mapped.details), mapped);
