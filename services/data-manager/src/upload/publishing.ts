// The version of an upload at ExtDatamoduleManager: reserved, published, or given up.
import type { CommitVersion, ReserveVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { fromCall } from '../connectors/resolve.ts';
import type { RunDeps } from '../deps.ts';
import { toRunError } from '../domain/run-error.ts';
import { uploadIdOf, type UploadSession } from './upload-session.ts';

type Step = NonNullable<Parameters<RunDeps['extdatamodule']['publishDataModuleVersion']>[0]['step']>;

const call = async ({ deps, row, fence }: UploadSession, step: Step): Promise<string> => {
  await fence();
  const { moduleId, runId, groupId } = row;
  const token = await deps.serviceToken({ audience: 'extdatamodule', groupId, runId });
  try {
    const request = { moduleId, runId, uploadId: uploadIdOf(row), step };
    return (await deps.extdatamodule.publishDataModuleVersion(request, { token })).version?.version ?? '';
  } catch (error) {
    throw fromCall(error, 'ExtDatamoduleManager');
  }
};

/** Takes the next version's number. */
const reserve = (session: UploadSession, value: ReserveVersion): Promise<string> => call(session, { $case: 'reserve', value });

/** Publishes the reserved version. */
const commit = (session: UploadSession, value: CommitVersion): Promise<string> => call(session, { $case: 'commit', value });

/** Gives the reserved version up. */
const abandon = (session: UploadSession, reason: string): Promise<string> => call(session, { $case: 'abandon', value: { reason } });

/** Gives the version up, where one is reserved. */
const abandonReserved = async (session: UploadSession, reason: string): Promise<void> => {
  try {
    await abandon(session, reason);
  } catch (error) {
    // Nothing was reserved.
    if (toRunError(error).reason !== 'VERSION_STATE') throw error;
  }
};

/** The steps of publishing the version of an upload. */
export const publishing = { reserve, commit, abandonReserved };
