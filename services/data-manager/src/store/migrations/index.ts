import type { Migrations } from '@lethe/db/migrate';
import * as init from './0001-init.ts';
import * as publishing from './0002-publishing.ts';

/** The migrations of schema lethe_data. */
export const migrations: Migrations = { '0001-init': init, '0002-publishing': publishing };
