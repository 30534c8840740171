// Clients of the six services with one credential.
import { AuditLoggerDefinition } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { EtlTaskManagerDefinition } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Noun } from '@lethe/contracts/nouns';
import { createClient, type ClientOptions, type ServiceClient } from './client.ts';

/** Clients of all services. */
export type Clients = {
  user: ServiceClient<typeof UserManagerDefinition>;
  script: ServiceClient<typeof ScriptManagerDefinition>;
  extdatamodule: ServiceClient<typeof ExtDatamoduleManagerDefinition>;
  task: ServiceClient<typeof EtlTaskManagerDefinition>;
  data: ServiceClient<typeof DataManagerDefinition>;
  audit: ServiceClient<typeof AuditLoggerDefinition>;
  close: () => void;
};

/** Makes clients that send the token with every call. */
export const connectClients = (addresses: Record<Noun, string>, token: string, deadlineMs = 20_000): Clients => {
  const options = (noun: Noun): ClientOptions => ({ address: addresses[noun], token: () => token, deadlineMs });
  const clients = {
    user: createClient(UserManagerDefinition, options('user')),
    script: createClient(ScriptManagerDefinition, options('script')),
    extdatamodule: createClient(ExtDatamoduleManagerDefinition, options('extdatamodule')),
    task: createClient(EtlTaskManagerDefinition, options('task')),
    data: createClient(DataManagerDefinition, options('data')),
    audit: createClient(AuditLoggerDefinition, options('audit')),
  };
  return { ...clients, close: () => Object.values(clients).forEach((client) => client.close()) };
};
