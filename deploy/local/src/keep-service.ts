// A service of the stack as a guarded process: started again when it dies, and left to a developer who runs it from source.
import type { Noun } from '@lethe/contracts/nouns';
import { spawnGuarded, type Guarded } from '@lethe/servers/guard';
import { ROOT, SERVICE_FOLDERS } from '@lethe/servers/repository';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The environment of a process. */
export type ProcessEnv = Record<string, string | undefined>;

const RESTART_AFTER_MS = 200;
const LOOK_EVERY_MS = 300;

/** What runs a service: the arguments of Node, with more in front of them if wanted. */
export const serviceArguments = (noun: Noun, ...options: string[]): string[] => [
  ...options,
  '--import',
  join(ROOT, 'libs/service/src/telemetry.ts'),
  join(ROOT, 'services', SERVICE_FOLDERS[noun], 'src/main.ts'),
];

const folderOf = (state: string): string => join(state, 'services');
const holdFile = (state: string, noun: Noun): string => join(folderOf(state), `${noun}.held`);
const envFile = (state: string, noun: Noun): string => join(folderOf(state), `${noun}.json`);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Whether a developer runs the service; a hold whose process is gone is none. */
const isHeld = (state: string, noun: Noun): boolean => {
  const file = holdFile(state, noun);
  if (!existsSync(file)) return false;
  if (isAlive(Number(readFileSync(file, 'utf8')))) return true;
  rmSync(file, { force: true });
  return false;
};

/** Takes a service over from the running stack; returns its environment, or undefined where no stack has said it. */
export const holdService = (state: string, noun: Noun): ProcessEnv | undefined => {
  if (!existsSync(envFile(state, noun))) return undefined;
  writeFileSync(holdFile(state, noun), String(process.pid), { mode: 0o600 });
  return JSON.parse(readFileSync(envFile(state, noun), 'utf8')) as ProcessEnv;
};

/** Gives a service back to the stack. */
export const releaseService = (state: string, noun: Noun): void => rmSync(holdFile(state, noun), { force: true });

/** How a service is kept. `services` has the running process of each. */
export type Keep = {
  noun: Noun;
  state: string;
  env: ProcessEnv;
  logFile: string;
  services: Map<Noun, Guarded>;
  maxRestartsAMinute: number;
  isEnding: () => boolean;
};

/** Starts a service, and starts it again when it dies, so many times a minute. While it is held by a developer, none runs here. */
export const keepService = ({ noun, state, env, logFile, services, maxRestartsAMinute, isEnding }: Keep): Guarded => {
  mkdirSync(folderOf(state), { recursive: true, mode: 0o700 });
  writeFileSync(envFile(state, noun), JSON.stringify(env), { mode: 0o600 });
  const restarts: number[] = [];
  let held = false;
  const start = (): Guarded => {
    const child = spawnGuarded([process.execPath, ...serviceArguments(noun)], { logFile, env, cwd: ROOT });
    services.set(noun, child);
    child.onExit(() => {
      if (held) return;
      const now = Date.now();
      restarts.push(now);
      while ((restarts[0] ?? now) < now - 60_000) restarts.shift();
      // A first kill is not retried forever: a service that cannot stay up is left down, and its log says why.
      if (!isEnding() && restarts.length <= maxRestartsAMinute)
        setTimeout(() => (isEnding() || held ? undefined : start()), RESTART_AFTER_MS);
    });
    return child;
  };
  const look = setInterval(() => {
    if (isEnding()) return clearInterval(look);
    const wanted = isHeld(state, noun);
    if (wanted === held) return;
    held = wanted;
    if (held) void services.get(noun)?.stop();
    else start();
  }, LOOK_EVERY_MS);
  look.unref();
  return start();
};
