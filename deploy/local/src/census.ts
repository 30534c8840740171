// The census example beside a running stack: its two sources, its target, its people, and the module's task.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fillDatabases, readRows, serveHttpSource, type CensusDatabases } from './census-source.ts';
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

/** Fills the sources, logs the people in, and makes the module and its task where they are not there. `rowCount` replicates the input. */
export const openCensus = async (stack: Stack, options: { state: string; portBase: number; rowCount?: number }): Promise<Census> => {
  const { state } = options;
  const rows = await readRows(EXAMPLE, options.rowCount);
  const httpToken = keptSecret(join(state, 'keys'), 'example-http', () => randomBytes(18).toString('base64url'));
  const databases = censusDatabases(state);
  const httpPort = options.portBase + PORTS.example;
  await fillDatabases(stack.postgres.url, databases, EXAMPLE, rows);
  const source = await serveHttpSource(httpPort, rows, httpToken);
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
