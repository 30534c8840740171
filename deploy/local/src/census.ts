// The census example beside a running stack: its two sources, its target, its people, and the module's task.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillDatabases, readRows, serveHttpSource, type CensusDatabases, type RawRow } from './census-source.ts';
import { setUpCensus, type CensusSetup, type People } from './job-setup.ts';
import { keptSecret } from '@lethe/servers/keys';
import { openPeople } from './people.ts';
import { ROOT } from '@lethe/servers/repository';
import { PORTS, type Stack } from './stack.ts';

const EXAMPLE = join(ROOT, 'examples/census');

/** The example, ready for a run. */
export type Census = { people: People; setup: CensusSetup; databases: CensusDatabases; close: () => void };

/** The example's databases; their passwords are kept. */
const censusDatabases = (state: string): CensusDatabases => ({
  source: { database: 'example_source', user: 'example_source', password: keptSecret(join(state, 'keys'), 'example-source') },
  target: { database: 'example_target', user: 'example_target', password: keptSecret(join(state, 'keys'), 'example-target') },
});

const rowsFile = (state: string): string => join(state, 'example-rows');

/** Fills the source database with so many rows, all of the file where no number is given, and says so to the HTTP source of the running stack. */
export const fillCensus = async (state: string, postgresUrl: string, rowCount: number | undefined): Promise<CensusDatabases> => {
  const databases = censusDatabases(state);
  await fillDatabases(postgresUrl, databases, EXAMPLE, await readRows(EXAMPLE, rowCount));
  writeFileSync(rowsFile(state), String(rowCount ?? ''), { mode: 0o600 });
  return databases;
};

/** The rows that the source database was filled with last. */
const filledRows = (state: string): (() => Promise<RawRow[]>) => {
  let known: { count: string; rows: Promise<RawRow[]> } | undefined;
  return () => {
    const count = readFileSync(rowsFile(state), 'utf8');
    if (known?.count !== count) known = { count, rows: readRows(EXAMPLE, count === '' ? undefined : Number(count)) };
    return known.rows;
  };
};

/** Fills the sources, logs the people in, and makes the module and its task where they are not there. `rowCount` replicates the input. */
export const openCensus = async (stack: Stack, options: { state: string; portBase: number; rowCount?: number }): Promise<Census> => {
  const { state } = options;
  const httpToken = keptSecret(join(state, 'keys'), 'example-http', () => randomBytes(18).toString('base64url'));
  const databases = await fillCensus(state, stack.postgres.url, options.rowCount);
  const httpPort = options.portBase + PORTS.example;
  const source = await serveHttpSource(httpPort, filledRows(state), httpToken);
  const people = await openPeople({
    folder: join(state, 'tokens'),
    addresses: stack.addresses,
    provider: stack.oidc,
    redirectUri: stack.redirectUri,
  });
  const setup = await setUpCensus(people, EXAMPLE, { postgresPort: stack.postgres.port, httpPort, httpToken, databases });
  const close = (): void => {
    Object.values(people).forEach((person) => person.close());
    source.close();
    source.closeAllConnections();
  };
  return { people, setup, databases, close };
};
