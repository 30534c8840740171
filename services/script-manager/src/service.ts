// The only wiring of ScriptManager.
import { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { defineService } from '@lethe/service/define-service';
import { handlers } from './rpc/index.ts';
import { openChecker } from './parsing/checker.ts';
import { migrations } from './store/migrations/index.ts';
import type { Tables } from './store/tables.ts';

export const service = defineService<Tables>()({
  noun: 'script',
  contract: ScriptManagerDefinition,
  migrations,
  calls: { data: DataManagerDefinition },
  // It has no settings of its own.
  readConfig: () => undefined,
  build: ({ store, clients, now }) => {
    const checker = openChecker();
    return { handlers: handlers({ store, data: clients.data, checkText: checker.check, now }), close: checker.close };
  },
});
