import { Migrator, type Migration } from 'kysely/migration';
import { platformMigrations, type PlatformTables } from './platform.ts';
import type { Store } from './open.ts';

/** A service's migrations by name; they run in the order of the names, among the platform's. */
export type Migrations = Record<string, Migration>;

/** Brings the schema up to date. Several processes may call it at once; one works, the others wait. */
export const migrate = async <T extends PlatformTables>(store: Store<T>, migrations: Migrations): Promise<void> => {
  const migrator = new Migrator({
    db: store.db,
    provider: { getMigrations: async () => ({ ...platformMigrations, ...migrations }) },
    migrationTableSchema: store.schema,
    // The platform's and a service's own are named apart, and each list grows by itself.
    allowUnorderedMigrations: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
};
