// Keeps the clock of the process at the time of its database.
import { setClock } from '@lethe/contracts/clock';
import type { Pool } from 'pg';

const EVERY_MS = 10_000;
// A time that took longer to arrive is of a moment that is not known well enough.
const LONGEST_MS = 1_000;

const readClock = async (pool: Pool): Promise<void> => {
  const startMs = performance.now();
  const { rows } = await pool.query<{ ms: string }>(`select (extract(epoch from clock_timestamp()) * 1000)::text as ms`);
  const tookMs = performance.now() - startMs;
  if (rows[0] && tookMs <= LONGEST_MS) setClock(Number(rows[0].ms) + tookMs / 2);
};

/** Sets the clock by the database, now and every ten seconds; returns what ends that. */
export const followDatabase = async ({ pool }: { pool: Pool }, log: { warn: (text: string) => void }): Promise<() => void> => {
  await readClock(pool);
  const timer = setInterval(() => {
    // Without the database the clock goes on from what it told last.
    readClock(pool).catch(() => log.warn('the time of the database could not be read; the clock goes on'));
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
