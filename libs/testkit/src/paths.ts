import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A folder of the shared test data, or undefined, with one printed line, where it is not there. */
export const sharedData = (name: string): string | undefined => {
  const folder = join(process.env['LETHE_SHARED_DATA'] ?? join(ROOT, '../shared/data'), name);
  if (existsSync(folder)) return folder;
  process.stderr.write(`skipped: no test data ${name} (set LETHE_SHARED_DATA)\n`);
  return undefined;
};
