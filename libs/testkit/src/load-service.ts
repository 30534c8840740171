// Services are found by folder, so that no library depends on one.
import type { Calls, ServiceDefinition } from '@lethe/service/define-service';
import type { PlatformTables } from '@lethe/db/platform';
import { SERVICE_FOLDERS, type Noun } from '@lethe/local/provision';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { ROOT } from './paths.ts';

/** Any service, as far as starting it goes. */
export type AnyService = ServiceDefinition<PlatformTables, Record<string, unknown>, unknown, Calls>;

/** Loads the definition of a service. */
export const loadService = async (noun: Noun): Promise<AnyService> => {
  const url = pathToFileURL(join(ROOT, 'services', SERVICE_FOLDERS[noun], 'src/service.ts')).href;
  const { service } = (await import(url)) as { service: AnyService };
  return service;
};
