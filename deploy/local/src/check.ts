// npm run check: format, lint, types, dead code, contract; every step runs, and each failure is shown.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './stack.ts';

const bin = (name: string): string => join(ROOT, 'node_modules/.bin', name);
const steps: [name: string, command: string[]][] = [
  ['format', [bin('prettier'), '--check', '--log-level', 'warn', '.']],
  ['lint', [bin('oxlint'), '--type-aware', '--deny-warnings']],
  ['types', [bin('tsc'), '--noEmit']],
  ['dead code', [bin('knip')]],
  ['contract format', [bin('buf'), 'format', '--diff', '--exit-code']],
  ['contract lint', [bin('buf'), 'lint']],
  ...(existsSync(join(ROOT, 'proto/baseline.binpb'))
    ? [['contract breaking', [bin('buf'), 'breaking', 'proto', '--against', 'proto/baseline.binpb']] as [string, string[]]]
    : []),
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
process.exit(failed === 0 ? 0 : 1);
