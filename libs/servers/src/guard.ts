// Children that never outlive this process: a small watcher holds a pipe to us, and ends its child's group when the pipe ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A guarded child. */
export type Guarded = {
  pid: number;
  exited: () => boolean;
  onExit: (listener: () => void) => void;
  stop: () => Promise<void>;
  kill: () => void;
};

const WATCHER = fileURLToPath(new URL('./watcher.mjs', import.meta.url));
const STOP_TIMEOUT_MS = 15_000;

/** Starts a command under a watcher. Its output goes to the log file. It ends when we end, in whatever way. */
export const spawnGuarded = (
  command: string[],
  options: { logFile: string; stopSignal?: NodeJS.Signals; env?: Record<string, string | undefined>; cwd?: string },
): Guarded => {
  const log = openSync(options.logFile, 'a', 0o600);
  const child: ChildProcess = spawn(process.execPath, [WATCHER, options.stopSignal ?? 'SIGTERM', ...command], {
    stdio: ['pipe', log, log],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // A group of its own: Ctrl-C in the terminal reaches us alone, and we end our children in order.
    detached: true,
  });
  const listeners = new Set<() => void>();
  let gone = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      gone = true;
      listeners.forEach((listener) => listener());
      resolve();
    });
  });
  child.stdin?.on('error', () => {});
  return {
    pid: child.pid ?? 0,
    exited: () => gone,
    onExit: (listener) => void listeners.add(listener),
    stop: async () => {
      listeners.clear();
      child.stdin?.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
    },
    kill: () => void child.kill('SIGKILL'),
  };
};
