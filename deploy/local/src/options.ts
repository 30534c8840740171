// The command line and the few settings of the local stack.
import { join } from 'node:path';
import { ROOT } from '@lethe/servers/repository';

/** What `npm start` was asked for. */
export type Options = { once: boolean; fresh: boolean; rows?: number; portBase: number };

const DEFAULT_PORT_BASE = 15_500;

/** The base of all ports: `LETHE_PORT_BASE`, else 15500. */
export const portBase = (): number => {
  const base = Number(process.env['LETHE_PORT_BASE'] ?? DEFAULT_PORT_BASE);
  if (!Number.isInteger(base) || base < 1024 || base > 65_000) throw new Error('LETHE_PORT_BASE is no port between 1024 and 65000');
  return base;
};

/** The state folder: `LETHE_STATE`, else `.lethe` in the checkout. */
export const stateFolder = (): string => process.env['LETHE_STATE'] ?? join(ROOT, '.lethe');

/** Reads the arguments; an unknown one is an error. */
export const readOptions = (args: string[], base: number): Options => {
  const options: Options = { once: false, fresh: false, portBase: base };
  for (let at = 0; at < args.length; at++) {
    const argument = args[at];
    if (argument === '--once') options.once = true;
    else if (argument === '--fresh') options.fresh = true;
    else if (argument === '--rows' && Number(args[at + 1]) > 0) options.rows = Number(args[(at += 1)]);
    else throw new Error(`Unknown argument ${argument}. Known: --once, --fresh, --rows N`);
  }
  return options;
};
