// The listener of a service: its methods, reflection and health, and what anybody who reaches the port can take of it.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Bound } from '@lethe/grpc/bind';
import { addReflection } from '@lethe/grpc/reflection';
import { infrastructure } from '@lethe/grpc/server/infrastructure';
import { intake } from '@lethe/grpc/server/intake';
import { HealthImplementation } from 'grpc-health-check';
import { createServer, type AddressInfo, type Server as Listener } from 'node:net';
import type { Logger } from 'pino';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_STREAMS_OF_CONNECTION = 1_000;
const MAX_CONNECTIONS = 512;
const INTAKE = { maxUnfinished: 1_024, maxUnfinishedBytes: 128 * 1024 * 1024, receiveMs: 15_000 };
const INFRASTRUCTURE = { maxUnary: 64, maxStreams: 64, maxReflectionMs: 60_000 };

/** What is served, and where. `drain` is called when the end begins. */
export type Serving = { fullName: string; bound: Bound; listen: string; drainMs: number; drain: () => void; log: Logger };

// A listener of our own in front of grpc-js's, which has no cap of connections.
const listenOn = (server: Server, address: string, log: Logger): Promise<{ port: number; listener: Listener }> => {
  const { injectConnection } = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, injectConnection);
  listener.maxConnections = MAX_CONNECTIONS;
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ host, port: Number(address.slice(at + 1)) }, () => {
      listener.off('error', reject);
      listener.on('error', (error) => log.error({ error: error.name }, 'listener'));
      resolve({ port: (listener.address() as AddressInfo).port, listener });
    });
  });
};

const shutDown = (server: Server, drainMs: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), drainMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Serves the bound methods, reflection and health; the end says NOT_SERVING first, then drains. */
export const serve = async (serving: Serving): Promise<{ port: number; end: () => Promise<void> }> => {
  const { fullName, bound, listen, drainMs, drain, log } = serving;
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS_OF_CONNECTION,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // The first is next to the wire.
    interceptors: [intake(INTAKE, bound.methods, log), infrastructure(INFRASTRUCTURE)],
  });
  server.addService(bound.definition, bound.implementation);
  addReflection(server, [fullName, 'grpc.health.v1.Health']);
  const health = new HealthImplementation({ '': 'SERVING', [fullName]: 'SERVING' });
  health.addToServer(server);
  const { port, listener } = await listenOn(server, listen, log);
  const end = async (): Promise<void> => {
    drain();
    health.setStatus('', 'NOT_SERVING');
    health.setStatus(fullName, 'NOT_SERVING');
    listener.close();
    await shutDown(server, drainMs);
  };
  return { port, end };
};
