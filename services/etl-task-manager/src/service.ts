// The only wiring of EtlTaskManager.
import { DataManagerService } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ExtDatamoduleManagerService } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { ScriptManagerService } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { EtlTaskManagerService } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { UserManagerService } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { defineService } from '@lethe/service/define-service';
import { readConfig } from './config.ts';
import { executionChanged } from './events/execution-changed.ts';
import { handlers } from './rpc/index.ts';
import { migrations } from './store/migrations/index.ts';
import type { Tables } from './store/tables.ts';
import { noticeExpiryWorker } from './workers/notice-expiry.ts';

export const service = defineService<Tables>()({
  noun: 'task',
  fullName: 'lethe.task.v1.EtlTaskManager',
  definition: EtlTaskManagerService,
  migrations,
  calls: { script: ScriptManagerService, extdatamodule: ExtDatamoduleManagerService, data: DataManagerService, user: UserManagerService },
  readConfig,
  build: ({ store, config, clients, identity, log, now }) => ({
    handlers: handlers({ store, config, ...clients, identity, now }),
    events: { handlers: { 'lethe.event.v1.ExecutionChanged': executionChanged(now) } },
    workers: [{ name: 'notice-expiry', run: noticeExpiryWorker(store, now, config.expiryNoticeMs, log) }],
  }),
});
