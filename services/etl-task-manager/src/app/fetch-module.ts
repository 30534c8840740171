import type { DataModule } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, notFound, passOn } from '@lethe/grpc/errors';
import type { Deps } from './deps.ts';

/** The module of a task, in the task's group; NOT_FOUND where there is none. */
export const fetchModule = async (deps: Deps, ctx: CallContext, moduleId: string): Promise<DataModule> => {
  try {
    const { dataModule } = await deps.extdatamodule.getDataModule({ moduleId }, { parent: ctx });
    if (!dataModule) throw notFound('module');
    return dataModule;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') throw notFound('module');
    throw passOn(error, 'extdatamodule');
  }
};
