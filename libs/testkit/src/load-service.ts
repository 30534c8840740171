// Services are found by folder, so that no library depends on one.
import type { ServiceContract } from '@lethe/contracts/message';
import type { Calls, ServiceDefinition } from '@lethe/service/define-service';
import type { PlatformTables } from '@lethe/db/platform';
import type { Noun } from '@lethe/contracts/nouns';
import { SERVICE_FOLDERS } from '@lethe/servers/repository';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { ROOT } from '@lethe/servers/repository';

/** Any service, as far as starting it goes. */
export type AnyService = ServiceDefinition<PlatformTables, ServiceContract, unknown, Calls>;

/** Loads the definition of a service. */
export const loadService = async (noun: Noun): Promise<AnyService> => {
  const url = pathToFileURL(join(ROOT, 'services', SERVICE_FOLDERS[noun], 'src/service.ts')).href;
  const { service } = (await import(url)) as { service: AnyService };
  return service;
};
