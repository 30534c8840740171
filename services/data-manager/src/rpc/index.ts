import type { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { Handlers } from '@lethe/grpc/bind';
import type { RunDeps } from '../deps.ts';
import { describeConnection } from './describe-connection.ts';
import { getAll } from './get-all.ts';
import { getEntry } from './get-entry.ts';
import { getExecution } from './get-execution.ts';
import { listMissingLeaves } from './list-missing-leaves.ts';
import { modifie } from './modifie.ts';
import { readRows } from './read-rows.ts';
import { testRows } from './test-rows.ts';

/** The handlers of DataManager; one that is missing does not compile. */
export const handlers = (deps: RunDeps): Handlers<typeof DataManagerDefinition> => ({
  getAll: getAll(deps),
  getEntry: getEntry(deps),
  readRows: readRows(deps),
  listMissingLeaves: listMissingLeaves(deps),
  modifie: modifie(deps),
  getExecution: getExecution(deps),
  testRows: testRows(deps),
  describeConnection: describeConnection(deps),
});
