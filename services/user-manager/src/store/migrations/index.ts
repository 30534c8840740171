import type { Migrations } from '@lethe/db/migrate';
import * as init from './0001-init.ts';
import * as tokenParents from './0004-token-parents.ts';
import * as names from './0005-names.ts';

/** The migrations of schema lethe_user. */
export const migrations: Migrations = { '0001-init': init, '0004-token-parents': tokenParents, '0005-names': names };
