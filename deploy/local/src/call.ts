// npm run call -- [--as USER] <service> <Rpc> ['{json}']: one call against the running stack, through buf curl and server reflection.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCOUNTS } from './accounts.ts';
import { explain } from './explain.ts';
import { stateFolder } from './options.ts';
import { SERVICE_NAMES } from '@lethe/contracts/nouns';
import { ROOT } from '@lethe/servers/repository';

const give = (text: string): never => {
  process.stderr.write(`${text}\n`);
  process.exit(2);
};

const usage = `Usage: npm run call -- [--as ${ACCOUNTS.map(({ subject }) => subject).join('|')}] <${Object.keys(SERVICE_NAMES).join('|')}> <Rpc> ['{json}']`;

const args = process.argv.slice(2);
const as = args[0] === '--as' ? (args.splice(0, 2)[1] ?? '') : 'admin';
const [noun = '', rpc = '', json = '{}'] = args;
const service = new Map<string, string>(Object.entries(SERVICE_NAMES)).get(noun) ?? give(usage);
if (rpc === '') give(usage);

const state = stateFolder();
const tokenFile = join(state, 'tokens', as);
if (!existsSync(tokenFile) || !existsSync(join(state, 'env'))) give(`No token of ${as}: is the stack running? Start it with npm start.`);
const env = Object.fromEntries(
  readFileSync(join(state, 'env'), 'utf8')
    .split('\n')
    .map((entry) => entry.split('=', 2) as [string, string]),
);
const headerFolder = mkdtempSync(join(tmpdir(), 'lethe-call-'));
const headerFile = join(headerFolder, 'headers');
writeFileSync(headerFile, `authorization: Bearer ${readFileSync(tokenFile, 'utf8').trim()}\n`, { mode: 0o600 });
const address = env[`LETHE_${noun.toUpperCase()}_ADDRESS`] ?? give('The stack has not said where it is; start it with npm start.');

const result = spawnSync(
  join(ROOT, 'node_modules/.bin/buf'),
  // The token comes from its file: arguments can be read by every user of the machine.
  ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-H', `@${headerFile}`, '-d', json, `http://${address}/${service}/${rpc}`],
  { stdio: ['inherit', 'inherit', 'pipe'], cwd: ROOT, encoding: 'utf8' },
);
rmSync(headerFolder, { recursive: true });
process.stderr.write(explain(result.stderr));
process.exit(result.status ?? 1);
