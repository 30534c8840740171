// The steps of publishing a version, with ExtDatamoduleManager.
import type { CommitVersion, ReserveVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionRow } from '../store/tables.ts';
import type { RunDeps } from '../deps.ts';
import { RunFailure, toFailure } from '../run/failure.ts';
import { makeFolder } from '../folders.ts';
import { fromCall } from '../connectors/resolve.ts';

type Step = NonNullable<Parameters<RunDeps['extdatamodule']['publishDataModuleVersion']>[0]['step']>;

const call = async (deps: RunDeps, row: ExecutionRow, uploadId: string, step: Step): Promise<string> => {
  const token = await deps.serviceToken({ audience: 'extdatamodule', groupId: row.groupId, runId: row.runId });
  try {
    const { version } = await deps.extdatamodule.publishDataModuleVersion(
      { moduleId: row.moduleId, runId: row.runId, uploadId, step },
      { token },
    );
    return version?.version ?? '';
  } catch (error) {
    const failure = fromCall(error, 'ExtDatamoduleManager');
    if (failure instanceof RunFailure && failure.code === 'BASE_VERSION_CHANGED') {
      throw new RunFailure(
        'BASE_VERSION_CHANGED',
        'the module has another version by now than the run was based on; start the task again',
        { refusal: true, cause: error },
      );
    }
    throw failure;
  }
};

/** Takes the next version's number. */
const reserve = (deps: RunDeps, row: ExecutionRow, uploadId: string, value: ReserveVersion): Promise<string> =>
  call(deps, row, uploadId, { $case: 'reserve', value });

/** Publishes the reserved version. */
const commit = (deps: RunDeps, row: ExecutionRow, uploadId: string, value: CommitVersion): Promise<string> =>
  call(deps, row, uploadId, { $case: 'commit', value });

/** Gives the reserved version up. */
const abandon = (deps: RunDeps, row: ExecutionRow, uploadId: string, reason: string): Promise<string> =>
  call(deps, row, uploadId, { $case: 'abandon', value: { reason } });

/** Gives the version up where the failure is final. A transient one may have been the target's COMMIT: only its ledger knows, so the number stays. */
const abandonWhereFinal = async (
  deps: RunDeps,
  row: ExecutionRow,
  uploadId: string,
  error: unknown,
  signal: AbortSignal,
): Promise<void> => {
  if (signal.aborted) return;
  const failure = toFailure(error);
  if (failure.transient) return;
  await abandon(deps, row, uploadId, failure.code);
};

/** Keeps the digests of a version's rows beside the Outbox. */
const keepDigests = async (folder: string, digests: { table: string; path: string }[]): Promise<void> => {
  await makeFolder(folder);
  for (const { table, path } of digests) await copyFile(path, join(folder, `${table}.parquet`));
};

export const publish = { reserve, commit, abandon, abandonWhereFinal, keepDigests };
