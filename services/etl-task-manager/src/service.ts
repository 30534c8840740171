// The only wiring of EtlTaskManager.
import { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { EtlTaskManagerDefinition } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { defineService } from '@lethe/service/define-service';
import { readConfig } from './config.ts';
import { executionChanged } from './events/execution-changed.ts';
import { handlers } from './rpc/index.ts';
import { migrations } from './store/migrations/index.ts';
import type { Tables } from './store/tables.ts';
import { noticeExpiryWorker } from './workers/notice-expiry.ts';
import { resendDesiresWorker } from './workers/resend-desires.ts';

export const service = defineService<Tables>()({
  noun: 'task',
  contract: EtlTaskManagerDefinition,
  migrations,
  calls: {
    script: ScriptManagerDefinition,
    extdatamodule: ExtDatamoduleManagerDefinition,
    data: DataManagerDefinition,
    user: UserManagerDefinition,
  },
  readConfig,
  build: ({ store, config, clients, identity, now }) => ({
    handlers: handlers({ store, config, ...clients, identity, now }),
    events: { handlers: new Map([executionChanged(now)]) },
    workers: [noticeExpiryWorker({ store, now, noticeMs: config.expiryNoticeMs }), resendDesiresWorker({ store, config, identity })],
  }),
});
