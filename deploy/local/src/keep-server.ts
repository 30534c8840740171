// A server of the stack (Postgres, NATS): started again when it dies.
import type { Guarded } from '@lethe/servers/guard';

type Server = { process: Guarded; stop: () => Promise<void> };

/** How a server is kept. `note` tells of each end that nobody asked for. */
export type KeepServer<S extends Server> = {
  name: string;
  start: () => Promise<S>;
  maxRestartsAMinute: number;
  isEnding: () => boolean;
  note: (text: string) => void;
};

/** A kept server; after `stop` it stays away until `start`. */
export type KeptServer<S extends Server> = { current: () => S; start: () => Promise<void>; stop: () => Promise<void> };

const RESTART_AFTER_MS = 200;

/** Starts a server, and starts it again when it dies, so many times a minute. */
export const keepServer = async <S extends Server>(keep: KeepServer<S>): Promise<KeptServer<S>> => {
  const { name, isEnding, note } = keep;
  const restarts: number[] = [];
  let restarting: NodeJS.Timeout | undefined;
  let current = await keep.start();
  const again = (): void => {
    if (isEnding()) return;
    const nowMs = performance.now();
    restarts.push(nowMs);
    while ((restarts[0] ?? nowMs) < nowMs - 60_000) restarts.shift();
    // One that cannot stay up is left down, and its log says why.
    if (restarts.length > keep.maxRestartsAMinute) return note(`${name} ended again and is left down; its log says why.`);
    note(`${name} ended; it is started again.`);
    restarting = setTimeout(() => void start().catch(again), RESTART_AFTER_MS);
  };
  const start = async (): Promise<void> => {
    current = await keep.start();
    current.process.onExit(again);
  };
  current.process.onExit(again);
  return {
    current: () => current,
    start,
    stop: async () => {
      clearTimeout(restarting);
      await current.stop();
    },
  };
};
