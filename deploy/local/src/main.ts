// npm start: the suite, the main job, and then the suite until it is told to end.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { ACCOUNTS, SUPERUSERS } from './accounts.ts';
import { fillDatabases, readRows, serveHttpSource, type CensusDatabases } from './census-source.ts';
import { runJob } from './job.ts';
import { setUpCensus } from './job-setup.ts';
import { keptSecret } from './keys.ts';
import { readOptions, stateFolder, portBase, type Options } from './options.ts';
import { openPeople } from './people.ts';
import { PORTS, ROOT, startStack, type Stack } from './stack.ts';
import { line, machineLine, server, stageLines, summary } from './terminal.ts';

const EXAMPLE = join(ROOT, 'examples/census');

/** The example's databases; their passwords are kept. */
export const censusDatabases = (state: string): CensusDatabases => ({
  source: { database: 'example_source', user: 'example_source', password: keptSecret(join(state, 'keys'), 'example-source') },
  target: { database: 'example_target', user: 'example_target', password: keptSecret(join(state, 'keys'), 'example-target') },
});

const writeEnv = (state: string, stack: Stack): void => {
  const lines = Object.entries(stack.addresses).map(([noun, address]) => `LETHE_${noun.toUpperCase()}_ADDRESS=${address}`);
  writeFileSync(
    join(state, 'env'),
    `${[...lines, `LETHE_EDGE=${stack.edge.url}`, `LETHE_ISSUER=${stack.oidc.issuer}`, `LETHE_POSTGRES_PORT=${stack.postgres.port}`].join('\n')}\n`,
    { mode: 0o600 },
  );
};

const printTries = (stack: Stack, runId: string): void => {
  line();
  line('Try:');
  line(`  npm run call -- user GetUser`);
  line(`  npm run call -- --as manager task GetRun '{"runId":"${runId}"}'`);
  line(`  npm run call -- --as reviewer data GetAll '{"runId":"${runId}"}'`);
  line(`  npm run call -- --as editor data GetAll            # refused: an editor does not see prepared data`);
  line(
    `  curl -s -H "authorization: Bearer $(cat .lethe/tokens/admin)" -H 'content-type: application/json' -d '{"pageSize":3}' ${stack.edge.url}/lethe.audit.v1.AuditLogger/ListAuditLogs`,
  );
  line();
};

const work = async (options: Options, state: string, stack: Stack): Promise<void> => {
  const rows = await readRows(EXAMPLE, options.rows);
  const httpToken = keptSecret(join(state, 'keys'), 'example-http', () => randomBytes(18).toString('base64url'));
  const databases = censusDatabases(state);
  await fillDatabases(stack.postgres.url, databases, EXAMPLE, rows);
  const source = await serveHttpSource(options.portBase + PORTS.example, rows, httpToken);
  const people = await openPeople(join(state, 'tokens'), stack.addresses, stack.oidc.issuer, stack.redirectUri);
  line('Setting up the census module …');
  const setup = await setUpCensus(people, EXAMPLE, {
    postgresPort: stack.postgres.port,
    httpPort: options.portBase + PORTS.example,
    httpToken,
    databases,
  });
  line('Running it:');
  const stages = stageLines();
  const result = await runJob(people, setup, { run: stages.show, note: (text) => (stages.end(), line(`  ${text}`)) });
  stages.end();
  summary(result);
  Object.values(people).forEach((person) => person.close());
  if (options.once) {
    source.close();
    source.closeAllConnections();
    line(machineLine(result));
  } else {
    printTries(stack, result.run.id);
    line('Serving. Ctrl-C ends everything.');
  }
};

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2), portBase());
  const state = stateFolder();
  if (options.fresh) rmSync(state, { recursive: true, force: true });
  line('Starting Lethe');
  const stack = await startStack({ state, portBase: options.portBase, accounts: ACCOUNTS, superusers: SUPERUSERS, report: server });
  const told = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => told.resolve());
  try {
    writeEnv(state, stack);
    const finished = work(options, state, stack);
    await Promise.race([options.once ? finished : finished.then(() => told.promise), told.promise]);
    return 0;
  } catch (error) {
    line(`Failed: ${error instanceof Error ? error.message : String(error)}`);
    line(`Logs: ${stack.logs}`);
    return 1;
  } finally {
    await stack.stop();
  }
};

try {
  process.exit(await main());
} catch (error) {
  line(`Failed: ${error instanceof Error ? error.message : String(error)}`);
  line(`Logs: ${join(stateFolder(), 'logs')}`);
  process.exit(1);
}
