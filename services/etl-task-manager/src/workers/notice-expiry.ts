import { Execution, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Duty } from '@lethe/contracts/gen/lethe/user/v1/user';
import { mutateAsSystem } from '@lethe/db/mutate';
import type { Store } from '@lethe/db/open';
import { every, type Worker } from '@lethe/service/worker';
import { tellAbout } from '../app/mirror.ts';
import { lockRun } from '../store/runs.ts';
import type { Tables } from '../store/tables.ts';

const EVERY_MS = 30_000;

const notice = async (store: Store<Tables>, runId: string): Promise<void> =>
  mutateAsSystem(store, { service: 'task', action: 'notice-expiry' }, async (tx) => {
    const run = await lockRun(tx, runId);
    if (!run || run.expiryNoticed) return { response: undefined };
    await tx.updateTable('runs').set({ expiryNoticed: true }).where('id', '=', run.id).execute();
    const news = tellAbout(run, {
      notice: Notification_Kind.RUN_EXPIRES_SOON,
      text: 'The prepared data of a run will be deleted soon',
      holdersOf: [Duty.TASK_MANAGER],
    });
    return { response: undefined, resource: `runs/${run.id}`, groupId: run.groupId, runId: run.id, events: [news] };
  });

/** Tells people, once a run, that its prepared data will be deleted. */
export const noticeExpiryWorker = ({ store, now, noticeMs }: { store: Store<Tables>; now: () => Date; noticeMs: number }): Worker =>
  every('notice-expiry', EVERY_MS, async () => {
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
  });
