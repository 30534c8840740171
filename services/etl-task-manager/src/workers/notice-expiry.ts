import { Execution, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { mutateAsSystem } from '@lethe/db/mutate';
import type { Store } from '@lethe/db/open';
import type { Logger } from 'pino';
import { setTimeout as sleep } from 'node:timers/promises';
import { tellAbout } from '../rpc/mirror.ts';
import { lockRun } from '../store/runs.ts';
import type { Tables } from '../store/tables.ts';

const EVERY_MS = 30_000;

const notice = async (store: Store<Tables>, runId: string): Promise<void> =>
  mutateAsSystem(store, { service: 'task', action: 'notice-expiry' }, async (tx) => {
    const run = await lockRun(tx, runId);
    if (!run || run.expiryNoticed) return { response: undefined };
    await tx.updateTable('runs').set({ expiryNoticed: true }).where('id', '=', run.id).execute();
    const news = tellAbout(run, 'RUN_EXPIRES_SOON', 'The prepared data of a run will be deleted soon', ['TASK_MANAGER']);
    return { response: undefined, resource: `runs/${run.id}`, groupId: run.groupId, runId: run.id, events: [news] };
  });

/** Tells people, once a run, that its prepared data will be deleted. */
export const noticeExpiryWorker =
  (store: Store<Tables>, now: () => Date, noticeMs: number, log: Logger) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        const prepared = await store.db
          .selectFrom('runs')
          .selectAll()
          .where('state', '=', RunState.PREPARED)
          .where('expiryNoticed', '=', false)
          .execute();
        for (const run of prepared) {
          const expireTime = run.execution ? Execution.decode(run.execution).expireTime : undefined;
          if (expireTime && expireTime.getTime() - now().getTime() < noticeMs) await notice(store, run.id);
        }
      } catch {
        log.warn({ worker: 'notice-expiry' }, 'notices of expiry wait; tried again later');
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  };
