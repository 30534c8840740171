// npm run check: format, lint, types, dead code, structure, contract. As many steps at once as the machine has cores; every failure is shown.
// `npm run check -- --changed` formats and lints only what differs from the last commit.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '@lethe/servers/repository';

type Step = { name: string; command: string[] };
type Result = { name: string; status: number | null; seconds: string; output: string };

const bin = (name: string): string => join(ROOT, 'node_modules/.bin', name);

const changedFiles = (): string[] => {
  const git = (...args: string[]): string[] => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  const files = [...git('diff', '--name-only', 'HEAD'), ...git('ls-files', '--others', '--exclude-standard')];
  return [...new Set(files)].filter((file) => existsSync(join(ROOT, file)));
};

const FORMATTED = /\.(?:ts|mjs|json|md|yaml|yml)$/;

const steps = (folder: string, changed: string[] | undefined): Step[] => {
  const image = join(folder, 'contract.binpb');
  const breaking = '{"version":"v2","breaking":{"use":["WIRE_JSON"]}}';
  const formatted = changed?.filter((file) => FORMATTED.test(file)) ?? ['.'];
  const linted = changed?.filter((file) => file.endsWith('.ts')) ?? [];
  const all: Step[] = [
    { name: 'types', command: [bin('tsc'), '--noEmit'] },
    { name: 'lint', command: [bin('oxlint'), '--type-aware', '--deny-warnings', ...linted] },
    { name: 'format', command: [bin('prettier'), '--check', '--log-level', 'warn', '--ignore-unknown', ...formatted] },
    { name: 'structure', command: [process.execPath, join(ROOT, 'deploy/local/src/structure/main.ts')] },
    { name: 'dead code', command: [bin('knip'), '--no-config-hints'] },
    { name: 'contract format', command: [bin('buf'), 'format', '--diff', '--exit-code'] },
    { name: 'contract lint', command: [bin('buf'), 'lint'] },
    // Against a committed image: a branch cannot be had in a shallow clone. Two modules make two inputs, so one image is built of both.
    {
      name: 'contract breaking',
      command: [
        'sh',
        '-c',
        `"$0" build -o "$1" && "$0" breaking "$1" --against proto/baseline.binpb --config "$2"`,
        bin('buf'),
        image,
        breaking,
      ],
    },
  ];
  const nothing = (name: string): boolean =>
    (name === 'format' && formatted.length === 0) || (name === 'lint' && changed !== undefined && linted.length === 0);
  return all.filter(({ name }) => !nothing(name));
};

const run = ({ name, command: [program = '', ...args] }: Step): Promise<Result> =>
  new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
    child.on('error', (error) => (output += error.message));
    child.on('close', (status) => resolve({ name, status, seconds: ((performance.now() - start) / 1000).toFixed(1), output }));
  });

const show = ({ name, status, seconds, output }: Result): boolean => {
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  if (status !== 0) process.stdout.write(`${output}\n`);
  return status === 0;
};

const main = async (): Promise<number> => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-check-'));
  const waiting = steps(folder, process.argv.includes('--changed') ? changedFiles() : undefined);
  let good = true;
  const runWaiting = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) good = show(await run(step)) && good;
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runWaiting));
  rmSync(folder, { recursive: true });
  return good ? 0 : 1;
};

process.exit(await main());
