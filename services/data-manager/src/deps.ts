// What executing a run needs from its service.
import type { FairSlots } from '@lethe/contracts/fair-slots';
import type { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import type { Store } from '@lethe/db/open';
import type { ServiceClient } from '@lethe/grpc/client';
import type { TokenRequest } from '@lethe/grpc/service-tokens';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { Isolation } from './domain/isolation.ts';
import type { Tables } from './store/tables.ts';

/** Shared by the workers and the handlers of DataManager. */
export type RunDeps = {
  store: Store<Tables>;
  config: Config;
  script: ServiceClient<typeof ScriptManagerDefinition>;
  extdatamodule: ServiceClient<typeof ExtDatamoduleManagerDefinition>;
  serviceToken: (request: TokenRequest) => Promise<string>;
  isolation: Isolation;
  /** For children that a call starts; those of runs are bounded by the runs. */
  callSlots: FairSlots;
  log: Logger;
  now: () => Date;
};
