// The main job: a run of the census module from its sources to its next version, each step by the person whose duty it is.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Entry } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { isTerminal, stateName } from '@lethe/contracts/run-state';
import type { CensusSetup, People } from './job-setup.ts';

/** What a watcher of the job hears. */
export type JobListener = { run: (run: Run) => void; note: (text: string) => void };

/** What the job came to. Every number comes from a public RPC. */
export type JobResult = {
  run: Run;
  entry: Entry;
  deletedRowId: string;
  versionBefore: string;
  versionAfter: string;
  auditCount: number;
  durationMs: number;
};

/** The run did not get where it should. */
export class JobFailed extends Error {
  readonly run: Run;

  constructor(run: Run) {
    super(`The run ended ${stateName(run.state)}: ${run.error || run.refusal || 'no reason given'}`);
    this.name = 'JobFailed';
    this.run = run;
  }
}

const watch = async (people: People, runId: string, until: (run: Run) => boolean, listener: JobListener): Promise<Run> => {
  for await (const { run } of people.manager.task.watchRun({ runId })) {
    if (!run) continue;
    listener.run(run);
    if (until(run)) return run;
    if (isTerminal(run.state) && !run.reconciling) throw new JobFailed(run);
  }
  throw new Error('the watch of the run ended early');
};

/** Reviews the prepared rows as a data manager would: reads a page, and deletes one row whose class can spare it, after a dry run. */
const review = async ({ reviewer }: People, runId: string, listener: JobListener): Promise<{ entry: Entry; deletedRowId: string }> => {
  const { entries } = await reviewer.data.getAll({ runId });
  const [entry] = entries;
  if (!entry) throw new Error('the run has no entry in the Outbox');
  // An earlier start was interrupted after its review.
  if (entry.editedRowCount > 0n) return { entry, deletedRowId: '' };
  const { rows, etag } = await reviewer.data.readRows({ entryId: entry.id, pageSize: 10, minClassSize: 11n });
  const [row] = rows;
  if (!row) return { entry, deletedRowId: '' };
  const edits = [{ edit: { $case: 'deleteRowId' as const, value: row.rowId } }];
  const tried = await reviewer.data.modifie({ entryId: entry.id, etag, edits, validateOnly: true });
  if ((tried.after?.violations.length ?? 0) > 0) throw new Error('the dry run of the edit says that the requirement would break');
  const { entry: edited } = await reviewer.data.modifie({ entryId: entry.id, etag, edits });
  listener.note(`reviewed ${entry.rowCount} rows of ${entry.table}, deleted row ${row.rowId}`);
  return { entry: edited ?? entry, deletedRowId: row.rowId };
};

const countAudit = async ({ admin }: People, runId: string): Promise<number> => {
  let count = 0;
  let pageToken = '';
  do {
    const page = await admin.audit.listAuditLogs({ runId, pageSize: 1000, pageToken });
    count += page.auditLogs.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return count;
};

/** The task's run that has not ended: an earlier start was interrupted, and the services have gone on with it. */
const liveRun = async ({ manager }: People, taskId: string): Promise<Run | undefined> => {
  const { runs } = await manager.task.listRuns({ taskId, pageSize: 10 });
  return runs.find(({ state }) => !isTerminal(state));
};

const startOrTakeUp = async (people: People, taskId: string, listener: JobListener): Promise<string> => {
  const live = await liveRun(people, taskId);
  if (live) {
    listener.note(`taking up run ${live.id}, which is ${stateName(live.state)}`);
    if (live.desire === Desire.PAUSE) await people.manager.task.resume({ runId: live.id });
    return live.id;
  }
  const { run } = await people.manager.task.start({ target: { $case: 'taskId', value: taskId } });
  return run?.id ?? '';
};

const AFTER_REVIEW: readonly RunState[] = [RunState.UPLOADING, RunState.UPLOADED];

/** Runs the job to its end. */
export const runJob = async (people: People, setup: CensusSetup, listener: JobListener): Promise<JobResult> => {
  const startMs = Date.now();
  const before = await people.manager.extdatamodule.getDataModule({ moduleId: setup.moduleId });
  const runId = await startOrTakeUp(people, setup.taskId, listener);
  const isPrepared = ({ state, reconciling }: Run): boolean => state === RunState.PREPARED && !reconciling;
  const found = await watch(people, runId, (run) => isPrepared(run) || AFTER_REVIEW.includes(run.state), listener);
  const { entry, deletedRowId } = await review(people, runId, listener);
  if (isPrepared(found)) await people.manager.task.start({ target: { $case: 'runId', value: runId } });
  const upload = (run: Run): boolean =>
    run.state === RunState.UPLOADED || (run.state === RunState.PREPARED && !run.reconciling && run.refusal !== '');
  const run = await watch(people, runId, upload, listener);
  if (run.state !== RunState.UPLOADED) throw new JobFailed(run);
  const { entry: uploaded } = await people.reviewer.data.getEntry({ entryId: entry.id });
  return {
    run,
    entry: uploaded ?? entry,
    deletedRowId,
    versionBefore: before.dataModule?.headVersion ?? '',
    versionAfter: run.publishedVersion,
    auditCount: await countAudit(people, runId),
    durationMs: Date.now() - startMs,
  };
};
