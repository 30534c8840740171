// The two sources of the census example: a Postgres database and an HTTP API that overlap on person_id and disagree.
import { createReadStream, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { databaseUrl } from '@lethe/servers/provision';

/** The columns of the file, by the file's own names. */
export const RAW_COLUMNS = [
  'age',
  'workclass',
  'fnlwgt',
  'education',
  'education-num',
  'marital-status',
  'occupation',
  'relationship',
  'race',
  'sex',
  'capital-gain',
  'capital-loss',
  'hours-per-week',
  'native-country',
  'class',
] as const;

/** A raw record: the values as they stand in the file, blanks included. */
export type RawRow = { person_id: number; values: string[] };

const OUT_OF_RANGE_ROWS = 40;
const OUT_OF_RANGE_AGE = '190';
const PAGE_LIMIT = 5_000;
const ROWS_PER_INSERT = 5_000;

const readFile = async (folder: string): Promise<string[][]> => {
  const rows: string[][] = [];
  for await (const line of createInterface({ input: createReadStream(join(folder, 'adult.data.gz')).pipe(createGunzip()) })) {
    if (line !== '') rows.push(line.split(','));
  }
  return rows;
};

/** The raw records, with the line's number as id; more than the file has are the file again, with further ids. */
export const readRows = async (folder: string, count?: number): Promise<RawRow[]> => {
  const file = await readFile(folder);
  return Array.from({ length: count ?? file.length }, (_, index) => ({ person_id: index + 1, values: file[index % file.length] ?? [] }));
};

// Every third person is known to the HTTP source; every ninth to it alone.
const inHttp = ({ person_id }: RawRow): boolean => person_id % 3 === 0;
const inPostgres = ({ person_id }: RawRow): boolean => person_id % 9 !== 0;

type SourceRecord = Record<string, string | number>;

const recordOf = ({ person_id, values }: RawRow): SourceRecord => ({
  person_id,
  ...Object.fromEntries(RAW_COLUMNS.map((name, place) => [name, values[place] ?? ''])),
});

/** What the HTTP source says: another capital gain for each, and for 40 an age that cannot be. */
const httpRows = (rows: RawRow[]): SourceRecord[] =>
  rows.filter(inHttp).map((row, index) => {
    const record = recordOf(row);
    record['capital-gain'] = ` ${Number(record['capital-gain']) + 1}`;
    if (index < OUT_OF_RANGE_ROWS) record['age'] = OUT_OF_RANGE_AGE;
    return record;
  });

const quote = (name: string): string => `"${name}"`;

const runAll = async (url: string, work: (client: Client) => Promise<void>): Promise<void> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
};

/** The example's databases and roles. */
export type CensusDatabases = {
  source: { database: string; user: string; password: string };
  target: { database: string; user: string; password: string };
};

const makeDatabase = async (url: string, { database, user, password }: CensusDatabases['source']): Promise<void> =>
  runAll(url, async (client) => {
    const role = await client.query('select 1 from pg_roles where rolname = $1', [user]);
    await client.query(`${role.rowCount ? 'alter' : 'create'} role ${quote(user)} login password ${client.escapeLiteral(password)}`);
    const known = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (!known.rowCount) await client.query(`create database ${quote(database)} owner ${quote(user)}`);
  });

const insertRecords = async (client: Client, table: string, records: SourceRecord[]): Promise<void> => {
  for (let start = 0; start < records.length; start += ROWS_PER_INSERT) {
    const batch = JSON.stringify(records.slice(start, start + ROWS_PER_INSERT));
    await client.query(`insert into ${quote(table)} select * from json_populate_recordset(null::${quote(table)}, $1)`, [batch]);
  }
};

/** Makes source and target databases, and fills the source where it does not hold these rows yet. */
export const fillDatabases = async (url: string, databases: CensusDatabases, folder: string, rows: RawRow[]): Promise<void> => {
  await makeDatabase(url, databases.source);
  await makeDatabase(url, databases.target);
  const own = rows.filter(inPostgres);
  const countries = readFileSync(join(folder, 'countries.txt'), 'utf8').trim().split('\n');
  await runAll(
    databaseUrl(url, databases.source.database, { name: databases.source.user, password: databases.source.password }),
    async (client) => {
      await client.query(
        `create table if not exists people (person_id bigint, ${RAW_COLUMNS.map((name) => `${quote(name)} text`).join(', ')})`,
      );
      await client.query('create table if not exists countries (name text)');
      const { rows: counted } = await client.query<{ count: string }>('select count(*)::text as count from people');
      if (Number(counted[0]?.count) === own.length) return;
      // Both tables or none: an interrupted start fills them again.
      await client.query('begin');
      await client.query('truncate people, countries');
      await insertRecords(client, 'people', own.map(recordOf));
      await insertRecords(
        client,
        'countries',
        countries.map((name) => ({ name: ` ${name}` })),
      );
      await client.query('commit');
    },
  );
};

/** Serves the HTTP source, of the rows that there are at each request: pages by offset and limit, for those who bring the token. */
export const serveHttpSource = async (port: number, rowsNow: () => Promise<RawRow[]>, token: string): Promise<Server> => {
  let rows: RawRow[] | undefined;
  let people: SourceRecord[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://source');
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end();
      return;
    }
    if (url.pathname !== '/people') {
      response.writeHead(url.pathname === '/' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    const now = await rowsNow();
    if (now !== rows) {
      rows = now;
      people = httpRows(now);
    }
    const offset = Number(url.searchParams.get('offset') ?? 0);
    const limit = Math.min(PAGE_LIMIT, Number(url.searchParams.get('limit') ?? PAGE_LIMIT));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ people: people.slice(offset, offset + limit) }));
  };
  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
};
