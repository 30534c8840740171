import type { CreateDataModuleRequest, CreateDataModuleResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { randomUUIDv7 } from 'node:crypto';
import { checkDocument } from '../app/check-document.ts';
import type { Deps } from '../app/deps.ts';
import { refuseSuperseded } from '../app/refuse-superseded.ts';
import { auditModule, moduleView } from '../app/views.ts';
import { insertModule } from '../store/modules.ts';

/** Makes a data module from a document. */
export const createDataModule =
  (deps: Deps) =>
  async (request: CreateDataModuleRequest, ctx: CallContext): Promise<CreateDataModuleResponse> => {
    const { groupId, displayName, namespace } = request;
    const document = request.document ?? {};
    const documentHash = await checkDocument(document);
    await refuseSuperseded(deps, groupId, document);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const row = await insertModule(tx, { id: randomUUIDv7(), groupId, displayName, namespace, document, documentHash });
      return {
        response: { dataModule: moduleView(row) },
        resource: `modules/${row.id}`,
        groupId,
        after: auditModule(row),
        revision: row.version,
      };
    });
  };
