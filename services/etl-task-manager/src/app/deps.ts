import type { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import type { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Store } from '@lethe/db/open';
import type { ServiceClient } from '@lethe/grpc/client';
import type { ServiceIdentity } from '@lethe/grpc/service-tokens';
import type { Config } from '../config.ts';
import type { Tables } from '../store/tables.ts';

/** What the handlers of EtlTaskManager use. */
export type Deps = {
  store: Store<Tables>;
  config: Config;
  script: ServiceClient<typeof ScriptManagerDefinition>;
  extdatamodule: ServiceClient<typeof ExtDatamoduleManagerDefinition>;
  data: ServiceClient<typeof DataManagerDefinition>;
  user: ServiceClient<typeof UserManagerDefinition>;
  identity: ServiceIdentity;
  now: () => Date;
};
