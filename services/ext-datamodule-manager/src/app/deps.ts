import type { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Store } from '@lethe/db/open';
import type { ServiceClient } from '@lethe/grpc/client';
import type { KeyObject } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Tables } from '../store/tables.ts';

/** What the handlers of ExtDatamoduleManager use. */
export type Deps = {
  store: Store<Tables>;
  config: Config;
  data: ServiceClient<typeof DataManagerDefinition>;
  user: ServiceClient<typeof UserManagerDefinition>;
  publicKeys: Map<string, KeyObject>;
  now: () => Date;
};
