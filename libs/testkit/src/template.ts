// A template database with all schemas migrated; each test file gets a copy of its own.
import { migrate } from '@lethe/db/migrate';
import { openStore } from '@lethe/db/open';
import { NOUNS } from '@lethe/contracts/nouns';
import { databaseUrl, newPasswords, provision, runSql, serviceDatabaseUrl, type RolePasswords } from '@lethe/servers/provision';
import { randomBytes } from 'node:crypto';
import { loadService } from './load-service.ts';

const TEMPLATE = 'lethe_template';

/** Makes the template; returns the passwords of the six roles. */
export const makeTemplate = async (postgresUrl: string): Promise<RolePasswords> => {
  const passwords = newPasswords();
  await runSql(postgresUrl, [`drop database if exists ${TEMPLATE}`]);
  await provision(postgresUrl, TEMPLATE, passwords);
  for (const noun of NOUNS) {
    const store = openStore({ url: serviceDatabaseUrl(postgresUrl, TEMPLATE, noun, passwords), schema: `lethe_${noun}` });
    await migrate(store, (await loadService(noun)).migrations);
    await store.close();
  }
  return passwords;
};

/** A fresh database, migrated, and how to drop it. */
export const copyTemplate = async (postgresUrl: string): Promise<{ database: string; url: string; drop: () => Promise<void> }> => {
  const database = `test_${randomBytes(6).toString('hex')}`;
  await runSql(postgresUrl, [`create database ${database} template ${TEMPLATE}`]);
  return {
    database,
    url: databaseUrl(postgresUrl, database),
    drop: () => runSql(postgresUrl, [`drop database if exists ${database} with (force)`]),
  };
};
