/** `npm run vectors -- <set> <folder> [options]`: runs the cases of a folder against the product; one line a failing case, then the sum. */
import { resolve } from 'node:path';

export type VectorResult = { passed: number; failed: number };

type VectorSet = (folder: string, options: string[]) => Promise<VectorResult>;

const SETS: Record<string, () => Promise<VectorSet>> = {
  arx: async () => (await import('./arx.ts')).run,
  fusion: async () => (await import('./fusion.ts')).run,
};

const main = async (): Promise<number> => {
  const [set, folder, ...options] = process.argv.slice(2);
  const load = set === undefined ? undefined : SETS[set];
  if (load === undefined || folder === undefined) {
    console.error(`usage: npm run vectors -- ${Object.keys(SETS).join('|')} <folder> [options]`);
    return 2;
  }
  const run = await load();
  const { passed, failed } = await run(resolve(folder), options);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
};

process.exitCode = await main();
