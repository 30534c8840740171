// What tests of faults share: what the database says of the run, signals to a worker, and what must hold after each fault.
import { NOUNS } from '@lethe/contracts/nouns';
import { runJob, type JobResult } from '@lethe/local/job';
import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { expect } from 'vitest';
import { startTestStack, type TestStack } from './stack.ts';

/** A listener of a job that hears nothing. */
export const SILENT = { run: (): void => {}, note: (): void => {} };

/** A stack with a short lease, and what the job comes to there undisturbed, to compare with. */
export const startUndisturbed = async (portBase: number): Promise<{ stack: TestStack; undisturbed: JobResult }> => {
  const stack = await startTestStack(portBase, { LETHE_LEASE_MS: '3000' });
  return { stack, undisturbed: await runJob(stack.census.people, stack.census.setup, SILENT) };
};

const query = async (stack: TestStack, database: string, statement: string): Promise<Record<string, string>[]> => {
  const client = new Client({ connectionString: stack.postgres.url.replace(/\/[^/]*$/, `/${database}`) });
  await client.connect();
  try {
    return (await client.query<Record<string, string>>(statement)).rows;
  } finally {
    await client.end();
  }
};

/** Runs a statement in the database of the services. */
export const ask = (stack: TestStack, statement: string): Promise<Record<string, string>[]> => query(stack, 'lethe', statement);

/** Whether a process is stopped by a signal. */
export const isStopped = (pid: number): boolean => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''));

const childrenOf = (pid: number): number[] => {
  try {
    const own = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    return own.flatMap((child) => [child, ...childrenOf(child)]);
  } catch {
    return [];
  }
};

const signal = (pids: readonly number[], name: 'SIGSTOP' | 'SIGCONT'): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }
};

const PERIOD_MS = 100;

/** Lets a process and its children work for a share of each tenth of a second; returns what ends that. */
export const throttle = (pid: number, share: number): (() => void) => {
  let stopped: number[] = [];
  let timer: NodeJS.Timeout;
  const pause = (): void => {
    stopped = [pid, ...childrenOf(pid)];
    signal(stopped, 'SIGSTOP');
    timer = setTimeout(resume, PERIOD_MS * (1 - share));
  };
  const resume = (): void => {
    signal(stopped, 'SIGCONT');
    timer = setTimeout(pause, PERIOD_MS * share);
  };
  pause();
  return () => {
    clearTimeout(timer);
    signal([pid, ...stopped], 'SIGCONT');
  };
};

const AUDITED = NOUNS.map((noun) => `select event_id from lethe_${noun}.outgoing_event where consumer = 'audit'`).join(' union all ');

/** Waits until the audit log has every record that a service has written, and checks that each is there once, without a gap. */
export const expectAuditOnce = async (stack: TestStack): Promise<void> => {
  await expect
    .poll(
      async () => {
        const [found] = await ask(
          stack,
          `select (select count(*) from (${AUDITED}) sent where not exists (select from lethe_audit.audit_logs a where a.id = sent.event_id)) as missing,
             (select coalesce(sum(last - count), 0) from (select max(source_seq) as last, count(*) as count from lethe_audit.audit_logs group by source) s) as gaps,
             (select count(*) - count(distinct (source, source_seq)) from lethe_audit.audit_logs) as doubled`,
        );
        return found;
      },
      { timeout: 60_000 },
    )
    .toEqual({ missing: '0', gaps: '0', doubled: '0' });
};

// What a fault may cost: a lease that passes, a retry, and the stage done again. Generous, for machines that are busy.
const FAULT_LIMIT_MS = 60_000;

/** Runs a job that a fault hits; it must end in the time that faults may cost. `heldMs` is how long the fault itself lasts. */
export const inTime = async <R>(work: () => Promise<R>, heldMs = 0): Promise<R> => {
  const startMs = performance.now();
  const result = await work();
  expect(performance.now() - startMs).toBeLessThan(FAULT_LIMIT_MS + heldMs);
  return result;
};

/** Checks that a job came to the same end as one without a fault: the same rows, one ledger row, nothing hidden at the target, no raw data. */
export const expectSameEnd = async (stack: TestStack, undisturbed: JobResult, result: JobResult): Promise<void> => {
  expect(result.entry.contentHash).toBe(undisturbed.entry.contentHash);
  expect(result.run.tables).toEqual(undisturbed.run.tables);
  const { database } = stack.census.databases.target;
  const ledger = await query(stack, database, `select version from lethe_upload.ledger where run_id = '${result.run.id}'`);
  expect(ledger).toEqual([{ version: result.versionAfter }]);
  const [shown] = await query(stack, database, 'select count(*) as count from person');
  expect(shown?.['count']).toBe(String(result.entry.rowCount));
  const hidden = await query(
    stack,
    database,
    `select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'lethe_upload' and relname like 'u\\_%'`,
  );
  expect(hidden).toEqual([]);
};
