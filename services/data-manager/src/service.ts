// The only wiring of DataManager.
import { fairSlots } from '@lethe/contracts/fair-slots';
import { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { defineService } from '@lethe/service/define-service';
import { readConfig } from './config.ts';
import { runCommanded } from './events/run-commanded.ts';
import { runRequested } from './events/run-requested.ts';
import { handlers } from './rpc/index.ts';
import type { RunDeps } from './deps.ts';
import { makeFolder } from './folders.ts';
import { findIsolation } from './sandbox/sandbox.ts';
import { migrations } from './store/migrations/index.ts';
import type { Tables } from './store/tables.ts';
import { claimWorker } from './workers/claim.ts';
import { janitorWorker } from './workers/janitor.ts';
import { retentionWorker } from './workers/retention.ts';

// Calls that have children at once: an engine, a sandbox or a reader each.
const CALL_SLOTS = 6;

export const service = defineService<Tables>()({
  noun: 'data',
  contract: DataManagerDefinition,
  migrations,
  calls: { extdatamodule: ExtDatamoduleManagerDefinition, script: ScriptManagerDefinition },
  readConfig,
  build: async ({ store, config, clients, serviceToken, log, now }) => {
    await makeFolder(config.dataFolder);
    await makeFolder(config.fileRoot);
    const isolation = findIsolation();
    log.info(
      { isolation: [isolation.deno === undefined ? '' : 'deno', isolation.prlimit ? 'prlimit' : ''].filter(Boolean).join(' ') },
      'sandbox',
    );
    const deps: RunDeps = {
      store,
      config,
      script: clients.script,
      extdatamodule: clients.extdatamodule,
      serviceToken,
      isolation,
      callSlots: fairSlots(CALL_SLOTS),
      log,
      now,
    };
    return {
      handlers: handlers(deps),
      events: { handlers: new Map([runRequested(config, now), runCommanded]) },
      workers: [claimWorker(deps), retentionWorker(deps), janitorWorker(deps)],
    };
  },
});
