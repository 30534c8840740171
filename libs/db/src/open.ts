// A service's own database access: one pool, one schema, one role.
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely';
import { Pool, types as pgTypes, type CustomTypesConfig } from 'pg';
import type { PlatformTables } from './platform.ts';

/** Where the database is, and how much of it the service takes. */
export type DatabaseOptions = { url: string; schema: string; maxConnections?: number; statementTimeoutMs?: number };

/** A transaction, or the pool itself for single reads. */
export type Queryable<T> = Kysely<T> | Transaction<T>;

/** A service's store. `onCommit` listeners run after each change, in this process; the relay and the workers wake by it. */
export type Store<T extends PlatformTables = PlatformTables> = {
  readonly db: Kysely<T>;
  readonly pool: Pool;
  readonly schema: string;
  onCommit: (listener: () => void) => () => void;
  committed: () => void;
  /** Runs `body` in a transaction and then the listeners. */
  transaction: <R>(body: (tx: Transaction<T>) => Promise<R>) => Promise<R>;
  close: () => Promise<void>;
};

const CONNECT_TIMEOUT_MS = 5_000;

// 64-bit integers stay exact; dates stay the text that they are.
const types: CustomTypesConfig = {
  getTypeParser: (oid: Parameters<typeof pgTypes.getTypeParser>[0], format?: 'text' | 'binary') => {
    if (oid === pgTypes.builtins.INT8 && format !== 'binary') return (value: string) => BigInt(value);
    if (oid === pgTypes.builtins.DATE && format !== 'binary') return (value: string) => value;
    return pgTypes.getTypeParser(oid, format) as (value: string) => unknown;
  },
};

/** Opens the pool. It connects at the first query, and again by itself after the server was away. */
export const openStore = <T extends PlatformTables>(options: DatabaseOptions): Store<T> => {
  const pool = new Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 10,
    options: `-c search_path=${options.schema} -c statement_timeout=${options.statementTimeoutMs ?? 30_000} -c timezone=UTC`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types,
  });
  // An idle connection that the server ends must not end the process; the next query opens another.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const listeners = new Set<() => void>();
  const db = new Kysely<T>({ dialect: new PostgresDialect({ pool }), plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })] });
  const committed = (): void => listeners.forEach((listener) => listener());
  return {
    db,
    pool,
    schema: options.schema,
    onCommit: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    committed,
    transaction: async (body) => {
      const result = await db.transaction().execute(body);
      committed();
      return result;
    },
    close: () => db.destroy(),
  };
};
