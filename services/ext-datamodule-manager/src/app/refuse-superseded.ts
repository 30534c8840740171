import { DataModuleVersion_State as State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { fail } from '@lethe/grpc/errors';
import { findModule } from '../store/modules.ts';
import { findVersion } from '../store/versions.ts';
import type { Deps } from './deps.ts';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Refuses a published document of this group whose rows a later version has replaced: it would collect those. */
export const refuseSuperseded = async (deps: Deps, groupId: string, document: Record<string, unknown>): Promise<void> => {
  const { module: moduleId, version } = (document['provenance'] ?? {}) as { module?: unknown; version?: unknown };
  if (typeof moduleId !== 'string' || typeof version !== 'string' || version === '' || !ID.test(moduleId)) return;
  const module = await findModule(deps.store.db, moduleId);
  if (module?.groupId !== groupId) return;
  const found = await findVersion(deps.store.db, module.id, version);
  if (found?.state === State.SUPERSEDED) throw fail('VERSION_SUPERSEDED', { version });
};
