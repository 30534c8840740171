// npm start: the suite, the main job, and then the suite until a signal ends it.
import { rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ACCOUNTS, SUPERUSERS } from './accounts.ts';
import { openCensus } from './census.ts';
import { runJob } from './job.ts';
import { readOptions, stateFolder, portBase, type Options } from './options.ts';
import { startStack, type Stack } from './stack.ts';
import { line, machineLine, server, stageLines, summary } from './terminal.ts';

const writeEnv = (state: string, stack: Stack): void => {
  const lines = Object.entries(stack.addresses).map(([noun, address]) => `LETHE_${noun.toUpperCase()}_ADDRESS=${address}`);
  writeFileSync(
    join(state, 'env'),
    `${[...lines, `LETHE_EDGE=${stack.edge.url}`, `LETHE_ISSUER=${stack.oidc.issuer}`, `LETHE_POSTGRES_PORT=${stack.postgres.port}`].join('\n')}\n`,
    { mode: 0o600 },
  );
};

const printTries = (stack: Stack, state: string, runId: string): void => {
  const token = join(relative(process.cwd(), state), 'tokens/admin');
  line();
  line('Try:');
  line(`  npm run call -- user GetUser`);
  line(`  npm run call -- --as manager task GetRun '{"runId":"${runId}"}'`);
  line(`  npm run call -- --as reviewer data GetAll '{"runId":"${runId}"}'`);
  line(`  npm run call -- --as editor data GetAll            # refused: an editor does not see prepared data`);
  line(
    `  curl -s -H "authorization: Bearer $(cat ${token})" -H 'content-type: application/json' -d '{"pageSize":3}' ${stack.edge.url}/lethe.audit.v1.AuditLogger/ListAuditLogs`,
  );
  line();
};

const runCensus = async (options: Options, state: string, stack: Stack): Promise<void> => {
  line('Setting up the census module …');
  const { portBase, rows } = options;
  const census = await openCensus(stack, { state, portBase, ...(rows === undefined ? {} : { rowCount: rows }) });
  line('Running it:');
  const stages = stageLines();
  const result = await runJob(census.people, census.setup, { run: stages.show, note: (text) => (stages.end(), line(`  ${text}`)) });
  stages.end();
  summary(result);
  if (options.once) {
    census.close();
    line(machineLine(result));
  } else {
    printTries(stack, state, result.run.id);
    line('Serving. Ctrl-C ends everything.');
  }
};

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2), portBase());
  const state = stateFolder();
  if (options.fresh) rmSync(state, { recursive: true, force: true });
  line('Starting Lethe');
  const stack = await startStack({
    state,
    portBase: options.portBase,
    accounts: ACCOUNTS,
    superusers: SUPERUSERS,
    report: server,
    note: line,
  });
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.resolve());
  try {
    writeEnv(state, stack);
    const finished = runCensus(options, state, stack);
    await Promise.race([options.once ? finished : finished.then(() => ended.promise), ended.promise]);
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
