// A second DataManager of a stack, beside its own and over the same data folder.
import type { Stack } from '@lethe/local/stack';
import { serviceArguments } from '@lethe/local/keep-service';
import { ROOT } from '@lethe/servers/repository';
import { spawnGuarded, type Guarded } from '@lethe/servers/guard';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Starts another DataManager on a port of its own. `settings` win over those of the first. */
export const startSecondWorker = (state: string, stack: Stack, port: number, settings: Record<string, string> = {}): Guarded => {
  const env = JSON.parse(readFileSync(join(state, 'services', 'data.json'), 'utf8')) as Record<string, string>;
  return spawnGuarded([process.execPath, ...serviceArguments('data')], {
    logFile: join(stack.logs, 'data-2.log'),
    env: { ...env, LETHE_LISTEN: `127.0.0.1:${port}`, ...settings },
    cwd: ROOT,
  });
};
