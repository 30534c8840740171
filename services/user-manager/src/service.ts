// The only wiring of UserManager.
import { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { userCache } from '@lethe/service/authenticator';
import { defineService } from '@lethe/service/define-service';
import { authenticateWith } from './app/authenticate.ts';
import { readConfig } from './config.ts';
import { notificationRequested } from './events/notification-requested.ts';
import { handlers } from './rpc/index.ts';
import { migrations } from './store/migrations/index.ts';
import type { Tables } from './store/tables.ts';
import { expireAccessesWorker } from './workers/expire-accesses.ts';

export const service = defineService<Tables>()({
  noun: 'user',
  contract: UserManagerDefinition,
  migrations,
  calls: { extdatamodule: ExtDatamoduleManagerDefinition },
  readConfig,
  build: ({ store, config, clients, now }) => {
    const authenticate = authenticateWith(store, config, now);
    const users = userCache(authenticate);
    const dropRights = (userIds: readonly string[]): void => userIds.forEach((userId) => users.drop(userId));
    return {
      handlers: handlers({ store, config, extdatamodule: clients.extdatamodule, now, authenticate, dropRights }),
      events: { handlers: new Map([notificationRequested]) },
      workers: [expireAccessesWorker(store, now)],
      authenticateUser: users.authenticate,
    };
  },
});
