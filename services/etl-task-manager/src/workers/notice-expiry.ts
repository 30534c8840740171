import { Execution } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { mutateAsSystem } from '@lethe/db/mutate';
import type { Store } from '@lethe/db/open';
import { every, type Worker } from '@lethe/service/worker';
import { expiryNotice } from '../app/run-notice.ts';
import { listUnnoticed, lockRun, markExpiryNoticed } from '../store/runs.ts';
import type { Tables } from '../store/tables.ts';

const EVERY_MS = 30_000;

const noticeRun = (store: Store<Tables>, runId: string): Promise<void> =>
  mutateAsSystem(store, { service: 'task', action: 'notice-expiry' }, async (tx) => {
    const run = await lockRun(tx, runId);
    if (!run || run.expiryNoticed) return { response: undefined };
    await markExpiryNoticed(tx, run.id);
    return {
      response: undefined,
      resource: `runs/${run.id}`,
      groupId: run.groupId,
      runId: run.id,
      events: [expiryNotice(run)],
    };
  });

/** Notifies people, once a run, that its prepared data will be deleted. */
export const noticeExpiryWorker = ({ store, now, noticeMs }: { store: Store<Tables>; now: () => Date; noticeMs: number }): Worker =>
  every('notice-expiry', EVERY_MS, async () => {
    for (const run of await listUnnoticed(store.db)) {
      const execution = run.execution ? Execution.decode(run.execution) : undefined;
      const expireTime = execution?.expireTime;
      if (expireTime && execution.entryCount > 0 && expireTime.getTime() - now().getTime() < noticeMs) await noticeRun(store, run.id);
    }
  });
