import type { UpdateDataModuleRequest, UpdateDataModuleResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { invalidField, notFound } from '@lethe/grpc/errors';
import { checkEtag } from '@lethe/grpc/etag';
import { readMask } from '@lethe/grpc/mask';
import { loadVisible } from '@lethe/grpc/visible';
import { checkDocument } from '../app/check-document.ts';
import type { Deps } from '../app/deps.ts';
import { refuseSuperseded } from '../app/refuse-superseded.ts';
import { auditModule, moduleView } from '../app/views.ts';
import { findModule, lockModule, saveModule } from '../store/modules.ts';

const MUTABLE = ['display_name', 'namespace', 'document'];

/** Changes a module; tasks that were released before the change keep the document that they pinned. */
export const updateDataModule =
  (deps: Deps) =>
  async (request: UpdateDataModuleRequest, ctx: CallContext): Promise<UpdateDataModuleResponse> => {
    const wanted = request.dataModule;
    if (!wanted) throw invalidField('data_module', 'required', 'a module is required');
    const populated: Record<string, unknown> = { display_name: wanted.displayName, namespace: wanted.namespace, document: wanted.document };
    const paths = readMask(request.updateMask, MUTABLE, (path) => Boolean(populated[path]));
    if (paths.has('display_name') && wanted.displayName === '')
      throw invalidField('data_module.display_name', 'string.min_len', 'a name is required');
    if (paths.has('document') && !wanted.document) throw invalidField('data_module.document', 'required', 'a document is required');
    const visible = await loadVisible(ctx, 'module', findModule(deps.store.db, request.moduleId));
    const document = paths.has('document') ? wanted.document : undefined;
    const documentHash = document && (await checkDocument(document));
    if (document) await refuseSuperseded(deps, visible.groupId, document);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockModule(tx, visible.id);
      if (!before) throw notFound('module');
      checkEtag(request.etag, before.version);
      const changes = {
        ...(paths.has('display_name') ? { displayName: wanted.displayName } : {}),
        ...(paths.has('namespace') ? { namespace: wanted.namespace } : {}),
        ...(document && documentHash !== undefined ? { document: { document, documentHash } } : {}),
      };
      const after = await saveModule(tx, before, changes, deps.now());
      return {
        response: { dataModule: moduleView(after) },
        before: auditModule(before),
        after: auditModule(after),
        revision: after.version,
      };
    });
  };
