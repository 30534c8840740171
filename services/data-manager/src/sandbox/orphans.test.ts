// A service that is killed at once leaves nobody to end its children: the system does.
import { endsWithParent } from '@lethe/contracts/child';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const URL_OF = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

let folder: string;
let parent: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-orphans-'));
});
afterEach(() => {
  parent?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const childrenOf = (pid: number): string[] => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
const processorTicks = (pid: string): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
};
const isAlive = (pid: string): boolean => readdirSync('/proc').includes(pid);

const BUSY = `import { spawnNode } from ${URL_OF('../../../../libs/contracts/src/child.ts')};
  spawnNode({ program: process.argv[2] + '/busy.mjs', heapMb: 64 });
  setInterval(() => {}, 1000);`;
const SCRIPT = `import { findIsolation, runScript } from ${URL_OF('./sandbox.ts')};
  const job = { content: 'export default () => { for (;;); }', mode: 'extract', parameters: {}, outputPath: process.argv[2] + '/out', seed: 1, nowMs: 0 };
  await runScript(findIsolation(), job, new AbortController().signal);`;

if (!endsWithParent) process.stdout.write('setpriv is not here: what the system does to children is not tested\n');

test.runIf(endsWithParent).each([
  ['a process of Node', BUSY],
  ['a script', SCRIPT],
])('%s that is busy for ever ends with the service that started it', async (_name, program) => {
  writeFileSync(join(folder, 'busy.mjs'), 'for (;;);');
  writeFileSync(join(folder, 'parent.mjs'), program);
  parent = spawn(process.execPath, [join(folder, 'parent.mjs'), folder], { stdio: 'ignore' });
  const pid = parent.pid ?? 0;
  // A tenth of a second at work: it is in its loop.
  await expect.poll(() => childrenOf(pid).filter((child) => processorTicks(child) >= 10), { timeout: 20_000 }).toHaveLength(1);
  const [child = ''] = childrenOf(pid);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await expect.poll(() => isAlive(child), { timeout: 2_000 }).toBe(false);
});
