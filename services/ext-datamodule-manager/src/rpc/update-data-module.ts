import type { UpdateDataModuleRequest, UpdateDataModuleResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { checkEtag } from '@lethe/grpc/etag';
import { readMask } from '@lethe/grpc/mask';
import { mutate } from '@lethe/db/mutate';
import { loadVisible } from '@lethe/grpc/visible';
import type { CallContext } from '@lethe/grpc/context';
import { invalidField, notFound } from '@lethe/grpc/errors';
import { findModule, lockModule } from '../store/modules.ts';
import { checkDocument } from '../app/check-document.ts';
import type { Deps } from '../app/deps.ts';
import { auditModule, moduleView } from '../app/views.ts';

const MUTABLE = ['display_name', 'namespace', 'document'];

/** Changes a module; tasks that were released before keep the document that they pinned. */
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
    const documentHash = paths.has('document') && wanted.document ? await checkDocument(wanted.document) : undefined;
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockModule(tx, visible.id);
      if (!before) throw notFound('module');
      checkEtag(request.etag, before.version);
      const after = await tx
        .updateTable('dataModules')
        .set({
          ...(paths.has('display_name') ? { displayName: wanted.displayName } : {}),
          ...(paths.has('namespace') ? { namespace: wanted.namespace } : {}),
          ...(documentHash === undefined
            ? {}
            : { document: JSON.stringify(wanted.document), documentHash, documentRevision: before.documentRevision + 1n }),
          version: before.version + 1,
          updateTime: deps.now(),
        })
        .where('id', '=', before.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return {
        response: { dataModule: moduleView(after) },
        before: auditModule(before),
        after: auditModule(after),
        revision: after.version,
      };
    });
  };
