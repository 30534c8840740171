import type { Migrations } from '@lethe/db/migrate';
import * as init from './0001-init.ts';

/** The migrations of schema lethe_data. */
export const migrations: Migrations = { '0001-init': init };
