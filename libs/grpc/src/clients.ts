// Clients of the six services with one credential.
import { AuditLoggerDefinition } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { EtlTaskManagerDefinition } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { ServiceContract } from '@lethe/contracts/message';
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { createClient, type ServiceClient } from './client.ts';

/** The contracts of the six services. */
export const clientContracts = {
  user: UserManagerDefinition,
  script: ScriptManagerDefinition,
  extdatamodule: ExtDatamoduleManagerDefinition,
  task: EtlTaskManagerDefinition,
  data: DataManagerDefinition,
  audit: AuditLoggerDefinition,
} as const satisfies Record<Noun, ServiceContract>;

/** Clients of all services. */
export type Clients = { [N in Noun]: ServiceClient<(typeof clientContracts)[N]> } & { close: () => void };

/** Makes clients that send the token with every call. */
export const connectClients = (addresses: Record<Noun, string>, token: string, deadlineMs = 20_000): Clients => {
  const clients = NOUNS.map((noun) => {
    const options = { address: addresses[noun], token: () => token, deadlineMs };
    return [noun, createClient(clientContracts[noun] as ServiceContract, options)] as const;
  });
  const close = (): void => clients.forEach(([, client]) => client.close());
  // Each client is made from the contract of its noun.
  return { ...Object.fromEntries(clients), close } as unknown as Clients;
};
