// The start of everything beside what it cannot do without: the two servers and a Node, and for a new checkout the packages.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findNats, startNats } from '@lethe/servers/nats';
import { startPostgres } from '@lethe/servers/postgres';
import { ROOT } from '@lethe/servers/repository';
import type { BenchOptions } from './options.ts';
import { benchPortBase, temporaryFolder } from './own-stack.ts';
import { lineOf, median, printColumns, type Line } from './table.ts';

const ROUNDS = 3;
// The line of the launcher that comes last before it serves.
const LAST_SERVER = 'edge';
const SERVER_LINE = /^ {2}(\S+)\s+\S+\s+([\d.]+) s$/;

/** When everything served, and what the launcher said of each server. */
type Start = { servingMs: number; servers: Map<string, number> };

const launch = async (checkout: string, state: string, args: string[]): Promise<Start & { endMs: number }> => {
  const startMs = performance.now();
  const child = spawn('npm', ['start', '--silent', '--', ...args], {
    cwd: checkout,
    env: { ...process.env, LETHE_STATE: state, LETHE_PORT_BASE: String(benchPortBase()) },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const servers = new Map<string, number>();
  let servingMs = Number.NaN;
  for await (const text of createInterface({ input: child.stdout })) {
    const [, name, seconds] = SERVER_LINE.exec(text) ?? [];
    if (name !== undefined) servers.set(name, Number(seconds) * 1000);
    if (name !== LAST_SERVER) continue;
    servingMs = performance.now() - startMs;
    if (!args.includes('--once') && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  }
  const [code] = await ended;
  if (Number.isNaN(servingMs)) throw new Error(`npm start ended with ${code} before everything served`);
  return { servingMs, servers, endMs: performance.now() - startMs };
};

const timed = async (work: () => Promise<unknown> | void): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

const emptyNode = (): void => {
  const { status } = spawnSync(process.execPath, ['-e', '']);
  if (status !== 0) throw new Error('an empty Node did not run');
};

/** Both servers on the data in `folder`, one after the other, and an empty Node. The first time makes the data. */
const ownStarts = (folder: string): Promise<number> => {
  const program = findNats(join(ROOT, '.cache/nats'));
  const stops: (() => Promise<void>)[] = [];
  const start = timed(async () => {
    const postgres = {
      directory: join(folder, 'postgres'),
      port: benchPortBase(),
      logFile: join(folder, 'postgres.log'),
      password: 'bench',
    };
    stops.push((await startPostgres(postgres)).stop);
    const nats = {
      program,
      directory: join(folder, 'nats'),
      port: benchPortBase() + 1,
      users: [{ name: 'lethe', password: 'bench' }],
      logFile: join(folder, 'nats.log'),
    };
    stops.push((await startNats(nats)).stop);
    emptyNode();
  });
  return start.finally(() => Promise.all(stops.map((stop) => stop())));
};

const run = (command: string, args: string[], cwd: string): void => {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
};

/** A new checkout of HEAD: from `npm start -- --once` to the end of the job, and the packages alone in another. */
const fromCheckout = async (folder: string): Promise<{ onceMs: number; packagesMs: number }> => {
  const checkouts = ['first', 'second'].map((name) => join(folder, name));
  for (const checkout of checkouts) run('git', ['clone', '--quiet', ROOT, checkout], folder);
  const [first = '', second = ''] = checkouts;
  const packagesMs = await timed(() => run('npm', ['run', '--silent', 'gen'], second));
  const { endMs } = await launch(first, join(folder, 'checkout-state'), ['--once']);
  return { onceMs: endMs, packagesMs };
};

const printServers = (title: string, starts: Start[]): void => {
  process.stdout.write(`\n${title}: from the start of each server until it responded, medians\n`);
  const names = [...(starts[0]?.servers.keys() ?? [])];
  printColumns(
    names.map((name) => [name, `${(median(starts.map(({ servers }) => servers.get(name) ?? Number.NaN)) / 1000).toFixed(2)} s`]),
  );
  const longest = median(starts.map(({ servers }) => Math.max(...servers.values())));
  printColumns([
    ['all', `${(median(starts.map(({ servingMs }) => servingMs)) / 1000).toFixed(2)} s`, `slowest server ${(longest / 1000).toFixed(2)} s`],
  ]);
};

const seconds = (times: number[]): number[] => times.map((ms) => ms / 1000);

/** `npm run bench -- start`. */
export const benchStart = async ({ profile }: BenchOptions): Promise<Line[]> => {
  const { folder, remove } = temporaryFolder();
  try {
    const state = join(folder, 'state');
    const cold: Start[] = [];
    const warm: Start[] = [];
    const coldOwn: number[] = [];
    const warmOwn: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      cold.push(await launch(ROOT, state, ['--fresh']));
      coldOwn.push(await ownStarts(join(folder, `own-${round}`)));
      warm.push(await launch(ROOT, state, []));
      warmOwn.push(await ownStarts(join(folder, `own-${round}`)));
    }
    if (profile) {
      printServers('Empty state', cold);
      printServers('Kept state', warm);
    }
    const checkout = await fromCheckout(folder);
    const servers = 'Postgres, NATS, an empty Node';
    const serving = (starts: Start[]): number[] => seconds(starts.map(({ servingMs }) => servingMs));
    return [
      lineOf('kept state to SERVING', 's', serving(warm), { name: servers, values: seconds(warmOwn) }),
      lineOf('empty state to SERVING', 's', serving(cold), { name: servers, values: seconds(coldOwn) }),
      lineOf('new checkout, npm start -- --once', 's', seconds([checkout.onceMs]), {
        name: 'its packages and generated code',
        values: seconds([checkout.packagesMs]),
      }),
    ];
  } finally {
    remove();
  }
};
