// A closed loop of calls: so many in flight, each followed by the next, for a time.
import type { Client } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';

/** What a loop measured. */
export type Load = { perSecond: number; p50Ms: number; p99Ms: number };

const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Runs `call` with `concurrency` in flight for `durationMs`. A failed call ends the loop with its error. */
export const measureLoad = async (call: () => Promise<unknown>, concurrency: number, durationMs: number): Promise<Load> => {
  const latencies: number[] = [];
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (performance.now() - start < durationMs) {
      const sent = performance.now();
      await call();
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - start) / 1000;
  const sorted = Float64Array.from(latencies).toSorted();
  return { perSecond: latencies.length / seconds, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
};

const RAW = (bytes: Buffer): Buffer => bytes;
const DEADLINE_MS = 20_000;

/** A unary call with bytes in and bytes out, so that the caller's side costs the same for every server. */
export const rawCall = (client: Client, path: string, token: string): ((request: Buffer) => Promise<Buffer>) => {
  const metadata = new Metadata();
  if (token !== '') metadata.set('authorization', `Bearer ${token}`);
  return (request) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, RAW, RAW, request, metadata, { deadline: Date.now() + DEADLINE_MS }, (error, bytes) =>
        error ? reject(error) : resolve(bytes ?? Buffer.alloc(0)),
      );
    });
};
