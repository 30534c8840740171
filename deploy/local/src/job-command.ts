// npm run job -- census [--rows N]: the main job against the running stack.
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { connectClients } from '@lethe/grpc/clients';
import { keptSecret } from '@lethe/servers/keys';
import { fillCensus } from './census.ts';
import { runJob } from './job.ts';
import type { People } from './job-setup.ts';
import { stateFolder } from './options.ts';
import { readTokens } from './people.ts';
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { line, machineLine, stageLines, summary } from './terminal.ts';

const [name, option, value, ...others] = process.argv.slice(2);
const rowCount = option === '--rows' && /^[1-9][0-9]{0,7}$/.test(value ?? '') ? Number(value) : undefined;
if (name !== 'census' || others.length > 0 || (option !== undefined && rowCount === undefined)) {
  line('Usage: npm run job -- census [--rows N]');
  process.exit(2);
}

const state = stateFolder();
const env = Object.fromEntries(
  readFileSync(join(state, 'env'), 'utf8')
    .split('\n')
    .map((entry) => entry.split('=', 2) as [string, string]),
);
const addresses = Object.fromEntries(NOUNS.map((noun) => [noun, env[`LETHE_${noun.toUpperCase()}_ADDRESS`] ?? ''])) as Record<Noun, string>;
const people = {} as People;
for (const [person, token] of Object.entries(readTokens(join(state, 'tokens')))) {
  const clients = connectClients(addresses, token);
  const { user } = await clients.user.getUser({});
  people[person as keyof People] = { ...clients, token, id: user?.id ?? '' };
}
const { tasks } = await people.manager.task.listTasks({ displayName: 'census' });
const [task] = tasks;
if (!task) throw new Error('The census task is not there; run npm start once.');
if (rowCount !== undefined) {
  line(`Filling the sources with ${rowCount} rows …`);
  const password = keptSecret(join(state, 'keys'), 'postgres');
  await fillCensus(state, `postgres://postgres:${password}@127.0.0.1:${env['LETHE_POSTGRES_PORT'] ?? ''}/postgres`, rowCount);
}
const stages = stageLines();
const setup = { groupId: task.groupId, moduleId: task.moduleId, taskId: task.id, connections: { people: '', http: '', target: '' } };
const result = await runJob(people, setup, { run: stages.show, note: (text) => (stages.end(), line(`  ${text}`)) });
stages.end();
summary(result);
line(machineLine(result));
process.exit(0);
