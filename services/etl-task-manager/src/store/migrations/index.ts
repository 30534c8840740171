import type { Migrations } from '@lethe/db/migrate';
import * as init from './0001-init.ts';
import * as names from './0002-names.ts';
import * as moduleNames from './0003-module-names.ts';
import * as resend from './0004-resend.ts';

/** The migrations of schema lethe_task. */
export const migrations: Migrations = { '0001-init': init, '0002-names': names, '0003-module-names': moduleNames, '0004-resend': resend };
