// Prepares a checkout and runs a command in it, on any Node >= 20: installs the locked packages, generates the contract's code when
// `proto/` has changed, and goes on under the pinned Node. `--exec NAME` runs a package's own program instead of a script.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM = 'pnpm@12.21.0';
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const bin = join(root, 'node_modules/.bin');

const run = (command, args) => {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', env: environment() });
  if (result.status === 0) return;
  process.stderr.write(`${command} ${args.join(' ')} failed:\n${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}\n`);
  process.exit(1);
};
const environment = () => ({ ...process.env, PATH: bin + delimiter + process.env.PATH });
const hash = (files) => {
  const digest = createHash('sha256');
  for (const file of files) digest.update(file).update(readFileSync(join(root, file)));
  return digest.digest('hex');
};
const upToDate = (stamp, value) => existsSync(stamp) && readFileSync(stamp, 'utf8') === value;

const packages = hash(['pnpm-lock.yaml', 'pnpm-workspace.yaml']);
const installed = join(root, 'node_modules/.bootstrap');
if (!upToDate(installed, packages)) {
  process.stderr.write('Installing packages …\n');
  run('npx', ['-y', PNPM, 'install', '--frozen-lockfile', '--reporter=silent']);
  writeFileSync(installed, packages);
}

const pinned = existsSync(join(bin, 'node')) ? join(bin, 'node') : process.execPath;
const protos = readdirSync(join(root, 'proto'), { recursive: true })
  .filter((file) => file.endsWith('.proto'))
  .map((file) => join('proto', file))
  .toSorted();
const contract = hash([...protos, 'buf.gen.yaml', 'pnpm-lock.yaml', 'libs/contracts/src/write-callers.ts']);
const generated = join(root, 'libs/contracts/gen/.stamp');
if (!upToDate(generated, contract) || process.argv.includes('--force-gen')) {
  run('buf', ['generate', 'proto']);
  run('buf', ['build', 'proto', '--as-file-descriptor-set', '-o', 'libs/contracts/gen/descriptors.binpb']);
  run(pinned, ['libs/contracts/src/write-callers.ts']);
  writeFileSync(generated, contract);
}

const [first, ...rest] = process.argv.slice(2).filter((argument) => argument !== '--force-gen');
if (first !== undefined) {
  const [command, args] = first === '--exec' ? [join(bin, rest[0]), rest.slice(1)] : [pinned, [join(root, first), ...rest]];
  const child = spawn(command, args, { stdio: 'inherit', env: environment() });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
