// npm run service -- <service> [--inspect] [--watch]: one service of the running stack from source, in this terminal, in place of the stack's own.
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { ROOT } from '@lethe/servers/repository';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdService, releaseService, serviceArguments } from './keep-service.ts';
import { stateFolder } from './options.ts';

const FREE_TIMEOUT_MS = 20_000;
const OPTIONS = ['--inspect', '--watch'];

const give = (text: string): never => {
  process.stderr.write(`${text}\n`);
  process.exit(2);
};

const listens = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const untilFree = async (address: string): Promise<void> => {
  const [host = '', port = ''] = address.split(':');
  const end = Date.now() + FREE_TIMEOUT_MS;
  while (await listens(host, Number(port))) {
    if (Date.now() > end) give(`${address} is still in use: does the stack run that this state folder belongs to?`);
    await sleep(100);
  }
};

const [name = '', ...options] = process.argv.slice(2);
const noun: Noun =
  NOUNS.find((candidate) => candidate === name) ?? give(`Usage: npm run service -- <${NOUNS.join('|')}> [${OPTIONS.join('] [')}]`);
const unknown = options.find((option) => !OPTIONS.includes(option));
if (unknown !== undefined) give(`Unknown option ${unknown}. Known: ${OPTIONS.join(', ')}`);

const state = stateFolder();
const env = holdService(state, noun) ?? give('No stack has run with this state folder; start it with npm start.');
await untilFree(env['LETHE_LISTEN'] ?? '');
// The terminal ends it, not a pipe.
const child = spawn(process.execPath, serviceArguments(noun, ...options), {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...env, LETHE_LIFELINE: '' },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
child.on('exit', (code) => {
  releaseService(state, noun);
  process.exit(code ?? 1);
});
