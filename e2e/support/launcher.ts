// The launcher as a process of its own, as `npm start` runs it.
import { connectClients, type Clients } from '@lethe/grpc/clients';
import { readTokens } from '@lethe/local/people';
import type { Noun } from '@lethe/contracts/nouns';
import { ROOT } from '@lethe/servers/repository';
import type { Person } from '@lethe/local/accounts';
import { until } from '@lethe/testkit/until';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A launcher; `printed` is its standard output so far. */
export type Launcher = {
  printed: () => string;
  /** Waits for a line of its output. */
  prints: (text: string) => Promise<void>;
  /** Sends a signal and waits for the end; returns the status, null where the signal was the end. */
  end: (signal: NodeJS.Signals) => Promise<number | null>;
  /** Waits for its own end. */
  ended: () => Promise<number | null>;
};

const JOB_TIMEOUT_MS = 100_000;

/** Starts the launcher on a state folder. */
export const startLauncher = (state: string, portBase: number, ...args: string[]): Launcher => {
  return startProgram('main.ts', { LETHE_STATE: state, LETHE_PORT_BASE: String(portBase) }, args);
};

/** Runs one service of the launcher's stack from source, as `npm run service` does. */
export const startServiceCommand = (state: string, ...args: string[]): Launcher =>
  startProgram('service-command.ts', { LETHE_STATE: state }, args);

/** Runs the job against the launcher's stack, as `npm run job` does. */
export const startJobCommand = (state: string, ...args: string[]): Launcher => startProgram('job-command.ts', { LETHE_STATE: state }, args);

const commandOf = (pid: string): string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
};

/** The process of a server of the launcher's stack itself: not the one that watches it. */
export const serverPid = (state: string, program: 'postgres' | 'nats-server'): number | undefined =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [command = '', ...args] = commandOf(pid);
      return command.endsWith(`/${program}`) && args.some((argument) => argument.startsWith(`${state}/`));
    })
    .map(Number)
    .toSorted((left, right) => left - right)[0];

const startProgram = (program: string, env: Record<string, string>, args: string[]): Launcher => {
  const child = spawn(process.execPath, [join(ROOT, 'deploy/local/src', program), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const exit = once(child, 'exit').then(() => child.exitCode);
  return {
    printed: () => output,
    prints: async (text) => {
      await until(async () => {
        if (output.includes(text)) return true;
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the launcher ended early:\n${output}`);
        return undefined;
      }, JOB_TIMEOUT_MS);
    },
    end: (signal) => {
      child.kill(signal);
      return exit;
    },
    ended: () => exit,
  };
};

/** Reads the addresses that the launcher wrote for shells. */
export const readEnvFile = (state: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(join(state, 'env'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** The clients of a seeded person, from the files under the state folder alone. */
export const connectAs = (state: string, person: Person): Clients => {
  const env = readEnvFile(state);
  const address = (noun: Noun): string => env[`LETHE_${noun.toUpperCase()}_ADDRESS`] ?? '';
  const addresses: Record<Noun, string> = {
    user: address('user'),
    audit: address('audit'),
    script: address('script'),
    extdatamodule: address('extdatamodule'),
    task: address('task'),
    data: address('data'),
  };
  return connectClients(addresses, readTokens(join(state, 'tokens'))[person]);
};

const mentions = (pid: string, text: string): boolean => {
  try {
    return ['cmdline', 'environ'].some((file) => readFileSync(join('/proc', pid, file), 'utf8').includes(text));
  } catch (error) {
    // It ended while we looked, or is somebody else's.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
};

/** The processes that have the state folder in their command line or environment. */
export const processesOf = (state: string): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name) && mentions(name, state));
