import { DataModuleVersion_State as State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { Module } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, passOn } from '@lethe/grpc/errors';
import type { Deps } from './deps.ts';

/** The version that a published document collects, where a later one has taken the place of its rows; undefined otherwise. */
export const findSuperseded = async (deps: Deps, ctx: CallContext, { provenance }: Module): Promise<string | undefined> => {
  const { moduleId = '', version = '' } = provenance ?? {};
  if (moduleId === '' || version === '') return undefined;
  try {
    const found = await deps.extdatamodule.getDataModuleVersion({ moduleId, version }, { parent: ctx });
    return found.version?.state === State.SUPERSEDED ? version : undefined;
  } catch (error) {
    // A document may come from elsewhere, so its module need not be known here.
    if (error instanceof CallError && (error.reason === 'NOT_FOUND' || error.reason === 'INVALID_REQUEST')) return undefined;
    throw passOn(error, 'extdatamodule');
  }
};
