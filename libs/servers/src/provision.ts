// One database, six schemas, six roles: each service owns its schema and sees no other.
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** The roles' passwords, by noun. */
export type RolePasswords = Record<Noun, string>;

/** New passwords for the six roles. */
export const newPasswords = (): RolePasswords =>
  Object.fromEntries(NOUNS.map((noun) => [noun, randomBytes(18).toString('base64url')])) as RolePasswords;

/** Works over one connection, which ends with the work. */
export const withClient = async <R>(url: string, work: (client: Client) => Promise<R>): Promise<R> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

/** The same server, another database. */
export const databaseUrl = (url: string, database: string, user?: { name: string; password: string }): string => {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  if (user) {
    changed.username = user.name;
    changed.password = user.password;
  }
  return changed.toString();
};

/** The address of a service's database, with its own role. */
export const serviceDatabaseUrl = (url: string, database: string, noun: Noun, passwords: RolePasswords): string =>
  databaseUrl(url, database, { name: `lethe_${noun}`, password: passwords[noun] });

/** Makes roles, a database and schemas where they are not there yet. Runs as the server's superuser. */
export const provision = async (url: string, database: string, passwords: RolePasswords): Promise<void> => {
  await withClient(url, async (client) => {
    for (const noun of NOUNS) {
      const role = `lethe_${noun}`;
      const known = await client.query('select 1 from pg_roles where rolname = $1', [role]);
      await client.query(
        `${known.rowCount ? 'alter' : 'create'} role ${role} login nosuperuser nobypassrls password ${client.escapeLiteral(passwords[noun])}`,
      );
    }
    const known = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (!known.rowCount) await client.query(`create database ${client.escapeIdentifier(database)}`);
  });
  await withClient(databaseUrl(url, database), async (client) => {
    await client.query('revoke create on schema public from public');
    for (const noun of NOUNS) await client.query(`create schema if not exists lethe_${noun} authorization lethe_${noun}`);
  });
};

/** Runs statements as the superuser. */
export const runSql = (url: string, statements: string[]): Promise<void> =>
  withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
