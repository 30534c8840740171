import { DataModuleVersion_State as State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type {
  CommitVersion,
  PublishDataModuleVersionRequest,
  PublishDataModuleVersionResponse,
  ReserveVersion,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { mutate, type Change } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { fail, notFound } from '@lethe/grpc/errors';
import { documentHash } from '@lethe/module/document';
import { classifyChange, nextVersion } from '@lethe/module/version';
import type { Transaction } from 'kysely';
import { findByUpload, findVersion, lockModule, nextPlace } from '../store/modules.ts';
import type { ModuleRow, ModuleVersionRow, Tables } from '../store/tables.ts';
import { checkDocument } from '../app/check-document.ts';
import type { Deps } from '../app/deps.ts';
import { requireService } from '../app/require-service.ts';
import { auditVersion, toStored, toTableVersions, versionView } from '../app/views.ts';

type Tx = Transaction<Tables>;
type Done = Change<PublishDataModuleVersionResponse>;

const answer = (module: ModuleRow, row: ModuleVersionRow, before?: ModuleVersionRow): Done => ({
  response: { version: versionView(row, false) },
  resource: `modules/${module.id}/versions/${row.version}`,
  groupId: module.groupId,
  runId: row.runId,
  before: before && auditVersion(before),
  after: auditVersion(row),
});

const reserve = async (tx: Tx, module: ModuleRow, request: PublishDataModuleVersionRequest, step: ReserveVersion): Promise<Done> => {
  const known = await findByUpload(tx, request.uploadId);
  if (known) return answer(module, known);
  const other = await tx
    .selectFrom('moduleVersions')
    .select('version')
    .where('moduleId', '=', module.id)
    .where('state', '=', State.RESERVED)
    .executeTakeFirst();
  if (module.headVersion !== step.baseVersion || other)
    throw fail('BASE_VERSION_CHANGED', { base_version: step.baseVersion, head_version: module.headVersion });
  const base = step.baseVersion === '' ? undefined : await findVersion(tx, module.id, step.baseVersion);
  const change = classifyChange(toTableVersions(base?.tables ?? []), step.tables, step.onlyAdditions);
  const row = await tx
    .insertInto('moduleVersions')
    .values({
      moduleId: module.id,
      version: nextVersion(base?.version, change),
      place: await nextPlace(tx, module.id),
      state: State.RESERVED,
      baseVersion: step.baseVersion,
      runId: request.runId,
      uploadId: request.uploadId,
      document: null,
      documentHash: '',
      tables: JSON.stringify(toStored(step.tables)),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return answer(module, row);
};

const reserved = async (tx: Tx, request: PublishDataModuleVersionRequest): Promise<ModuleVersionRow> => {
  const row = await findByUpload(tx, request.uploadId);
  if (!row) throw fail('VERSION_STATE', { state: 'NONE' });
  return row;
};

const commit = async (
  deps: Deps,
  tx: Tx,
  module: ModuleRow,
  request: PublishDataModuleVersionRequest,
  step: CommitVersion,
): Promise<Done> => {
  const before = await reserved(tx, request);
  if (before.state === State.PUBLISHED) return answer(module, before);
  if (before.state !== State.RESERVED) throw fail('VERSION_STATE', { state: 'ABANDONED' });
  const document = step.document ?? {};
  const after = await tx
    .updateTable('moduleVersions')
    .set({
      state: State.PUBLISHED,
      document: JSON.stringify(document),
      documentHash: documentHash(document),
      tables: JSON.stringify(toStored(step.tables)),
      publishTime: deps.now(),
    })
    .where('moduleId', '=', module.id)
    .where('place', '=', before.place)
    .returningAll()
    .executeTakeFirstOrThrow();
  await tx.updateTable('dataModules').set({ headVersion: after.version, updateTime: deps.now() }).where('id', '=', module.id).execute();
  return answer(module, after, before);
};

const abandon = async (tx: Tx, module: ModuleRow, request: PublishDataModuleVersionRequest): Promise<Done> => {
  const before = await reserved(tx, request);
  if (before.state === State.ABANDONED) return answer(module, before);
  if (before.state !== State.RESERVED) throw fail('VERSION_STATE', { state: 'PUBLISHED' });
  // The upload's id is free again: the same upload may reserve anew after it was given up.
  const after = await tx
    .updateTable('moduleVersions')
    .set({ state: State.ABANDONED, uploadId: `${before.uploadId}#${before.place}` })
    .where('moduleId', '=', module.id)
    .where('place', '=', before.place)
    .returningAll()
    .executeTakeFirstOrThrow();
  return answer(module, after, before);
};

/** Takes, publishes or gives up the next version's number. Repeating a step gives the first answer. */
export const publishDataModuleVersion =
  (deps: Deps) =>
  async (request: PublishDataModuleVersionRequest, ctx: CallContext): Promise<PublishDataModuleVersionResponse> => {
    requireService(ctx, 'data');
    const { step } = request;
    if (step?.$case === 'commit') await checkDocument(step.value.document ?? {});
    return mutate(deps.store, ctx, '', async (tx) => {
      const module = await lockModule(tx, request.moduleId);
      if (!module) throw notFound('module');
      switch (step?.$case) {
        case 'reserve':
          return reserve(tx, module, request, step.value);
        case 'commit':
          return commit(deps, tx, module, request, step.value);
        case 'abandon':
          return abandon(tx, module, request);
        case undefined:
          throw fail('VERSION_STATE', { state: 'NONE' });
      }
    });
  };
