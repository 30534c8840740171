// The only wiring of ScriptManager.
import { DataManagerService } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ScriptManagerService } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { defineService } from '@lethe/service/define-service';
import { handlers } from './rpc/index.ts';
import { migrations } from './store/migrations/index.ts';
import { sqlParser } from './sql/parsers.ts';
import type { Tables } from './store/tables.ts';

export const service = defineService<Tables>()({
  noun: 'script',
  fullName: 'lethe.script.v1.ScriptManager',
  definition: ScriptManagerService,
  migrations,
  calls: { data: DataManagerService },
  // It has no settings of its own.
  readConfig: () => undefined,
  build: ({ store, clients, now }) => ({ handlers: handlers({ store, data: clients.data, parseSql: sqlParser(), now }) }),
});
