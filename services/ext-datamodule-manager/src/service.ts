// The only wiring of ExtDatamoduleManager.
import { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { defineService } from '@lethe/service/define-service';
import { readConfig } from './config.ts';
import { handlers } from './rpc/index.ts';
import { migrations } from './store/migrations/index.ts';
import type { Tables } from './store/tables.ts';
import { reservationsWorker } from './workers/reservations.ts';

export const service = defineService<Tables>()({
  noun: 'extdatamodule',
  contract: ExtDatamoduleManagerDefinition,
  migrations,
  calls: { data: DataManagerDefinition, user: UserManagerDefinition },
  readConfig,
  build: ({ store, config, clients, publicKeys, now }) => {
    const deps = { store, config, data: clients.data, user: clients.user, publicKeys, now };
    return { handlers: handlers(deps), workers: [reservationsWorker(deps)] };
  },
});
