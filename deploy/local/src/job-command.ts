// npm run job -- census [--rows N]: the main job against the running stack.
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { connectClients } from '@lethe/grpc/clients';
import { runJob } from './job.ts';
import type { People } from './job-setup.ts';
import { stateFolder } from './options.ts';
import { readTokens } from './people.ts';
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { line, machineLine, stageLines, summary } from './terminal.ts';

const [name] = process.argv.slice(2);
if (name !== 'census') {
  line('Usage: npm run job -- census');
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
const stages = stageLines();
const setup = { groupId: task.groupId, moduleId: task.moduleId, taskId: task.id, connections: { people: '', http: '', target: '' } };
const result = await runJob(people, setup, { run: stages.show, note: (text) => (stages.end(), line(`  ${text}`)) });
stages.end();
summary(result);
line(machineLine(result));
process.exit(0);
