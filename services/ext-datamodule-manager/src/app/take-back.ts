// Reservations whose upload is over: the version is given up, so that the module can publish again.
import { DataModuleVersion_State as State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { phaseOf, type Phase } from '@lethe/contracts/run-state';
import { mutateAsSystem } from '@lethe/db/mutate';
import { CallError } from '@lethe/grpc/errors';
import type { CallContext } from '@lethe/grpc/context';
import { findByUpload, markAbandoned } from '../store/versions.ts';
import { lockModule } from '../store/modules.ts';
import type { ModuleVersionRow } from '../store/tables.ts';
import { auditVersion } from './views.ts';
import type { Deps } from './deps.ts';

/** Whether an upload goes on with its reservation, by the phase of its run. */
const GOES_ON: Record<Phase, boolean> = {
  none: false,
  created: false,
  working: false,
  paused: true,
  prepared: false,
  uploading: true,
  unknown: true,
  stopped: false,
  ended: false,
};

/** Whether the run of a reservation is over, or does not upload. A DataManager that is away says nothing of it. */
const isOver = async (deps: Pick<Deps, 'data'>, runId: string, parent?: CallContext): Promise<boolean> => {
  try {
    const { execution } = await deps.data.getExecution({ runId }, parent ? { parent } : {});
    return execution !== undefined && !GOES_ON[phaseOf(execution.state)];
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') return true;
    if (error instanceof CallError) return false;
    throw error;
  }
};

/** Gives a reservation up where its run is over. `by` is the upload that wants to reserve: of one run, only the last upload goes on. */
export const takeBack = async (
  deps: Pick<Deps, 'data' | 'store'>,
  reserved: ModuleVersionRow,
  { by, parent }: { by?: { runId: string }; parent?: CallContext } = {},
): Promise<boolean> => {
  if (by?.runId !== reserved.runId && !(await isOver(deps, reserved.runId, parent))) return false;
  await mutateAsSystem(deps.store, { service: 'extdatamodule', action: 'version/take-back' }, async (tx) => {
    const module = await lockModule(tx, reserved.moduleId);
    const before = await findByUpload(tx, reserved.uploadId);
    const isOpen = before?.state === State.RESERVED && before.place === reserved.place;
    const after = isOpen ? await markAbandoned(tx, before) : undefined;
    return {
      response: undefined,
      resource: `modules/${reserved.moduleId}/versions/${reserved.version}`,
      groupId: module?.groupId ?? '',
      runId: reserved.runId,
      ...(before && after ? { before: auditVersion(before), after: auditVersion(after) } : {}),
    };
  });
  return true;
};
