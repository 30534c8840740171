import type { Migrations } from '@lethe/db/migrate';
import * as init from './0001-init.ts';
import * as requirePrivacy from './0002-require-privacy.ts';

/** The migrations of schema lethe_extdatamodule. */
export const migrations: Migrations = { '0001-init': init, '0002-require-privacy': requirePrivacy };
