// npm run check: format, lint, types, dead code, contract; every step runs, and each failure is shown.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '@lethe/servers/repository';

const bin = (name: string): string => join(ROOT, 'node_modules/.bin', name);
const folder = mkdtempSync(join(tmpdir(), 'lethe-check-'));
const IMAGE = join(folder, 'contract.binpb');
const BREAKING = '{"version":"v2","breaking":{"use":["WIRE_JSON"]}}';
const steps: [name: string, command: string[]][] = [
  ['format', [bin('prettier'), '--check', '--log-level', 'warn', '.']],
  ['lint', [bin('oxlint'), '--type-aware', '--deny-warnings']],
  ['types', [bin('tsc'), '--noEmit']],
  ['dead code', [bin('knip')]],
  ['contract format', [bin('buf'), 'format', '--diff', '--exit-code']],
  ['contract lint', [bin('buf'), 'lint']],
  // Against a committed image: a branch cannot be had in a shallow clone. Two modules make two inputs, so one image is built of both.
  ['contract image', [bin('buf'), 'build', '-o', IMAGE]],
  ['contract breaking', [bin('buf'), 'breaking', IMAGE, '--against', 'proto/baseline.binpb', '--config', BREAKING]],
];

let failed = 0;
for (const [name, [command = '', ...args]] of steps) {
  const start = performance.now();
  const result = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${result.status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  if (result.status === 0) continue;
  failed += 1;
  process.stdout.write(`${result.stdout}${result.stderr}\n`);
}
rmSync(folder, { recursive: true });
process.exit(failed === 0 ? 0 : 1);
