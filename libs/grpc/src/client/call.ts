// What every outgoing call has, whatever its kind: a deadline, a credential, a trace, a cancellation.
import { Metadata, type Client } from '@grpc/grpc-js';
import type { CallContext } from '../context.ts';
import type { AnyMethod } from '../definition.ts';

/** Options of one call. `parent` passes on its deadline, its cancellation and its trace. */
export type CallOptions = {
  parent?: CallContext;
  deadlineMs?: number;
  signal?: AbortSignal;
  token?: string;
  metadata?: Record<string, string>;
};

/** How a method is reached. `token` is asked for every call that brings none. */
export type Reached = {
  client: Client;
  path: string;
  method: AnyMethod;
  token: ((call: CallOptions) => Promise<string> | string) | undefined;
  deadlineMs: number;
};

/** The metadata of a call. */
export const metadataOf = async ({ token }: Reached, call: CallOptions): Promise<Metadata> => {
  const metadata = new Metadata();
  const credential = call.token ?? (await token?.(call));
  if (credential !== undefined && credential !== '') metadata.set('authorization', `Bearer ${credential}`);
  if (call.parent) metadata.set('traceparent', call.parent.traceparent);
  for (const [key, value] of Object.entries(call.metadata ?? {})) metadata.set(key, value);
  return metadata;
};

/** The end of a call: its own deadline or the default one, never later than the parent's. */
export const deadlineOf = (call: CallOptions, fallbackMs: number): Date => {
  const own = Date.now() + (call.deadlineMs ?? fallbackMs);
  return new Date(call.parent ? Math.min(own, call.parent.deadlineMs) : own);
};

/** Cancels a call when one of the signals aborts; returns what ends that. */
export const cancelWith = (call: { cancel: () => void }, signals: (AbortSignal | undefined)[]): (() => void) => {
  const cancel = (): void => call.cancel();
  for (const signal of signals) {
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  }
  return () => signals.forEach((signal) => signal?.removeEventListener('abort', cancel));
};
