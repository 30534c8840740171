import { every, type Worker } from '@lethe/service/worker';
import type { Deps } from '../app/deps.ts';
import { resend } from '../app/resend.ts';
import { listDueResends } from '../store/runs.ts';

const BATCH = 100;
const MAX_PAUSE_MS = 10_000;

/** Sends what is desired of runs again where their state does not take it in. */
export const resendDesiresWorker = (deps: Pick<Deps, 'store' | 'config' | 'identity'>): Worker =>
  every('resend-desires', Math.min(MAX_PAUSE_MS, deps.config.resendAfterMs), async () => {
    for (const runId of await listDueResends(deps.store.db, BATCH)) await resend(deps, runId);
  });
