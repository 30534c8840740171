// A reservation always ends: those whose run is over are given up.
import { every, type Worker } from '@lethe/service/worker';
import type { Deps } from '../app/deps.ts';
import { takeBack } from '../app/take-back.ts';
import { oldReservations } from '../store/versions.ts';

const EVERY_MS = 60_000;
/** An upload that has just reserved may not have said so yet. */
const AGE_MS = 60_000;

/** The worker that gives up the versions of runs that are over. */
export const reservationsWorker = (deps: Pick<Deps, 'data' | 'store' | 'now'>): Worker =>
  every('reservations', EVERY_MS, async (signal) => {
    for (const reserved of await oldReservations(deps.store.db, new Date(deps.now().getTime() - AGE_MS))) {
      if (signal.aborted) return;
      await takeBack(deps, reserved);
    }
  });
