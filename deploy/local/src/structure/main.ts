// Prints each breach of a structure rule; its status says whether there is one.
import { findings } from './index.ts';
import { readSources } from './sources.ts';

const found = findings(readSources());
for (const { file, line, rule, text } of found) process.stdout.write(`${file}:${line}  ${rule}: ${text}\n`);
process.exit(found.length === 0 ? 0 : 1);
