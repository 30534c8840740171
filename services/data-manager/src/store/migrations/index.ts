import type { Migrations } from '@lethe/db/migrate';
import * as init from './0001-init.ts';
import * as publishing from './0002-publishing.ts';
import * as errorInfo from './0003-error-info.ts';
import * as entryNames from './0004-entry-names.ts';
import * as uploadOutcome from './0005-upload-outcome.ts';
import * as lostLeases from './0006-lost-leases.ts';
import * as workerDeaths from './0007-worker-deaths.ts';
import * as executionsByGroup from './0008-executions-by-group.ts';
import * as missingLeaves from './0009-missing-leaves.ts';

/** The migrations of schema lethe_data. */
export const migrations: Migrations = {
  '0001-init': init,
  '0002-publishing': publishing,
  '0003-error-info': errorInfo,
  '0004-entry-names': entryNames,
  '0005-upload-outcome': uploadOutcome,
  '0006-lost-leases': lostLeases,
  '0007-worker-deaths': workerDeaths,
  '0008-executions-by-group': executionsByGroup,
  '0009-missing-leaves': missingLeaves,
};
