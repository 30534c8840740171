// A way to a server that can be made slow, or silent as a server that is gone without a word.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A way to a server. Bytes take `delayMs` in each direction; while it is silent none go through, and whoever connects hears nothing. */
export type TargetProxy = { port: number; delayMs: number; isSilent: boolean; close: () => void };

const carry = (proxy: TargetProxy, from: Socket, to: Socket): void => {
  const deliver = async (earlier: Promise<void>, chunk: Buffer, dueMs: number): Promise<void> => {
    await earlier;
    await sleep(Math.max(0, dueMs - performance.now()));
    if (!proxy.isSilent && !to.destroyed) to.write(chunk);
  };
  const end = async (earlier: Promise<void>): Promise<void> => {
    await earlier;
    to.destroy();
  };
  let last = Promise.resolve();
  from.on('data', (chunk: Buffer) => (last = deliver(last, chunk, performance.now() + proxy.delayMs)));
  from.on('error', () => {});
  from.on('close', () => void end(last));
};

/** Opens a way to a server of this machine. */
export const openTargetProxy = async (serverPort: number): Promise<TargetProxy> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect({ host: '127.0.0.1', port: serverPort });
    for (const each of [socket, onward]) sockets.add(each);
    carry(proxy, socket, onward);
    carry(proxy, onward, socket);
  });
  const proxy: TargetProxy = {
    port: 0,
    delayMs: 0,
    isSilent: false,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.port = (server.address() as AddressInfo).port;
  return proxy;
};
