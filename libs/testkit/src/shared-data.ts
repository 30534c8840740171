import { ROOT } from '@lethe/servers/repository';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of the shared test data, or undefined, with one printed line, where it is not there. */
export const sharedData = (name: string): string | undefined => {
  const folder = join(process.env['LETHE_SHARED_DATA'] ?? join(ROOT, '../shared/data'), name);
  if (existsSync(folder)) return folder;
  process.stderr.write(`skipped: no test data ${name} (set LETHE_SHARED_DATA)\n`);
  return undefined;
};
