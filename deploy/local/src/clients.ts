// Clients of the six services with one credential.
import { AuditLoggerService } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import { DataManagerService } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ExtDatamoduleManagerService } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { ScriptManagerService } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { EtlTaskManagerService } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { UserManagerService } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { createClient, type ClientOptions, type ServiceClient } from '@lethe/grpc/client';
import type { Noun } from './provision.ts';

/** Clients of all services. */
export type Clients = {
  user: ServiceClient<typeof UserManagerService>;
  script: ServiceClient<typeof ScriptManagerService>;
  extdatamodule: ServiceClient<typeof ExtDatamoduleManagerService>;
  task: ServiceClient<typeof EtlTaskManagerService>;
  data: ServiceClient<typeof DataManagerService>;
  audit: ServiceClient<typeof AuditLoggerService>;
  close: () => void;
};

/** Makes clients that send the token with every call. */
export const connectClients = (addresses: Record<Noun, string>, token: string, deadlineMs = 20_000): Clients => {
  const options = (noun: Noun): ClientOptions => ({ address: addresses[noun], token: () => token, deadlineMs });
  const clients = {
    user: createClient(UserManagerService, options('user')),
    script: createClient(ScriptManagerService, options('script')),
    extdatamodule: createClient(ExtDatamoduleManagerService, options('extdatamodule')),
    task: createClient(EtlTaskManagerService, options('task')),
    data: createClient(DataManagerService, options('data')),
    audit: createClient(AuditLoggerService, options('audit')),
  };
  return { ...clients, close: () => Object.values(clients).forEach((client) => client.close()) };
};
