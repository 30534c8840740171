import { Client } from 'pg';

// Fewer would mean that the search does not see the services' schemas.
const LEAST_TABLES = 30;

/** The tables of all services, audit records and events included, that hold a secret as it is. */
export const tablesHolding = async (databaseUrl: string, secret: string): Promise<string[]> => {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like 'lethe_%'`,
    );
    if (tables.length < LEAST_TABLES) throw new Error(`only ${tables.length} tables were searched`);
    const holding: string[] = [];
    for (const { name } of tables) {
      // A row's text shows bytes in hex: both forms are looked for.
      const { rowCount } = await client.query(
        `select from ${name} as found where position($1 in found::text) > 0 or position($2 in found::text) > 0`,
        [secret, Buffer.from(secret).toString('hex')],
      );
      if (rowCount !== 0) holding.push(name);
    }
    return holding;
  } finally {
    await client.end();
  }
};
