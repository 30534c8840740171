// npm run bench -- <name> [--rows N] [--profile] [--json FILE]: a figure, its ceiling measured in the same run, and their ratio.
import { writeFileSync } from 'node:fs';
import type { BenchOptions } from './options.ts';
import { benchPipeline } from './pipeline.ts';
import { benchRpc } from './rpc.ts';
import { benchStart } from './start.ts';
import { printTable, type Line } from './table.ts';

const BENCHES: Record<string, (options: BenchOptions) => Promise<Line[]>> = {
  pipeline: benchPipeline,
  rpc: benchRpc,
  start: benchStart,
};

const USAGE = `Usage: npm run bench -- <${Object.keys(BENCHES).join('|')}> [--rows N] [--profile] [--json FILE]`;

const give = (): never => {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
};

const readOptions = (args: string[]): BenchOptions & { json: string | undefined } => {
  const options: BenchOptions & { json: string | undefined } = { rows: undefined, profile: false, json: undefined };
  for (let at = 0; at < args.length; at++) {
    if (args[at] === '--profile') options.profile = true;
    else if (args[at] === '--rows' && Number(args[at + 1]) > 0) options.rows = Number(args[(at += 1)]);
    else if (args[at] === '--json' && args[at + 1] !== undefined) options.json = args[(at += 1)];
    else give();
  }
  return options;
};

const [name = '', ...args] = process.argv.slice(2);
const bench = BENCHES[name] ?? give();
const options = readOptions(args);
const lines = await bench(options);
printTable(lines);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(lines, null, 2)}\n`);
process.exit(0);
