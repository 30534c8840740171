import type { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { Handlers } from '@lethe/grpc/bind';
import type { Deps } from '../app/deps.ts';
import { createConnection } from './create-connection.ts';
import { createDataModule } from './create-data-module.ts';
import { getAllConnection } from './get-all-connection.ts';
import { getConnection } from './get-connection.ts';
import { getDataModuleVersion } from './get-data-module-version.ts';
import { getDataModule } from './get-data-module.ts';
import { listConnectionTypes } from './list-connection-types.ts';
import { listDataModuleVersions } from './list-data-module-versions.ts';
import { listDataModules } from './list-data-modules.ts';
import { listOwnedConnections } from './list-owned-connections.ts';
import { publishDataModuleVersion } from './publish-data-module-version.ts';
import { resolveConnection } from './resolve-connection.ts';
import { testConnection } from './test-connection.ts';
import { updateConnection } from './update-connection.ts';
import { updateDataModule } from './update-data-module.ts';

/** The handlers of ExtDatamoduleManager; one that is missing does not compile. */
export const handlers = (deps: Deps): Handlers<typeof ExtDatamoduleManagerDefinition> => ({
  createConnection: createConnection(deps),
  updateConnection: updateConnection(deps),
  getAllConnection: getAllConnection(deps),
  getConnection: getConnection(deps),
  testConnection: testConnection(deps),
  listConnectionTypes: listConnectionTypes(),
  createDataModule: createDataModule(deps),
  getDataModule: getDataModule(deps),
  listDataModules: listDataModules(deps),
  updateDataModule: updateDataModule(deps),
  getDataModuleVersion: getDataModuleVersion(deps),
  listDataModuleVersions: listDataModuleVersions(deps),
  listOwnedConnections: listOwnedConnections(deps),
  publishDataModuleVersion: publishDataModuleVersion(deps),
  resolveConnection: resolveConnection(deps),
});
