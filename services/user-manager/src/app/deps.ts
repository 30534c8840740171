import type { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Store } from '@lethe/db/open';
import type { ServiceClient } from '@lethe/grpc/client';
import type { CallContext } from '@lethe/grpc/context';
import type { Config } from '../config.ts';
import type { Tables } from '../store/tables.ts';

/** What the handlers of UserManager use. */
export type Deps = {
  store: Store<Tables>;
  config: Config;
  extdatamodule: ServiceClient<typeof ExtDatamoduleManagerDefinition>;
  now: () => Date;
  authenticate: (token: string, ctx: CallContext) => Promise<AuthenticateResponse>;
  /** Forgets cached rights of users, after a change to them. */
  dropRights: (userIds: readonly string[]) => void;
};
