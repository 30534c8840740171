import { enumName } from '@lethe/contracts/enum-name';
import { DataModuleVersion_State as State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type {
  CommitVersion,
  PublishDataModuleVersionRequest,
  PublishDataModuleVersionResponse,
  ReserveVersion,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { mutate, type Change } from '@lethe/db/mutate';
import type { ServiceCall } from '@lethe/grpc/context';
import { fail, notFound } from '@lethe/grpc/errors';
import { documentHash } from '@lethe/module/document';
import { classifyChange, nextVersion } from '@lethe/module/version';
import { checkDocument } from '../app/check-document.ts';
import type { Deps } from '../app/deps.ts';
import { requireService } from '../app/require-service.ts';
import { takeBack } from '../app/take-back.ts';
import { auditVersion, versionView } from '../app/views.ts';
import { supersededBy } from '../domain/superseded.ts';
import { lockModule, setHeadVersion } from '../store/modules.ts';
import type { ModuleRow, ModuleVersionRow, Tx } from '../store/tables.ts';
import {
  findByUpload,
  findReservation,
  findVersion,
  insertReservation,
  markAbandoned,
  markPublished,
  markSuperseded,
  otherPublished,
  tablesOf,
} from '../store/versions.ts';

type VersionChange = Change<PublishDataModuleVersionResponse>;

const changeOf = (module: ModuleRow, row: ModuleVersionRow, before?: ModuleVersionRow): VersionChange => ({
  response: { version: versionView(row, false) },
  resource: `modules/${module.id}/versions/${row.version}`,
  groupId: module.groupId,
  runId: row.runId,
  before: before && auditVersion(before),
  after: auditVersion(row),
});

const reserve = async (
  tx: Tx,
  module: ModuleRow,
  request: PublishDataModuleVersionRequest,
  step: ReserveVersion,
): Promise<VersionChange> => {
  const known = await findByUpload(tx, request.uploadId);
  if (known) return changeOf(module, known);
  const other = await findReservation(tx, module.id);
  if (module.headVersion !== step.baseVersion || other)
    throw fail('BASE_VERSION_CHANGED', { base_version: step.baseVersion, head_version: module.headVersion });
  const base = step.baseVersion === '' ? undefined : await findVersion(tx, module.id, step.baseVersion);
  const change = classifyChange(base ? tablesOf(base) : [], step.tables, step.onlyAdditions);
  const row = await insertReservation(tx, {
    moduleId: module.id,
    version: nextVersion(base?.version, change),
    baseVersion: step.baseVersion,
    runId: request.runId,
    uploadId: request.uploadId,
    tables: step.tables,
  });
  return changeOf(module, row);
};

const requireVersion = async (tx: Tx, uploadId: string): Promise<ModuleVersionRow> => {
  const row = await findByUpload(tx, uploadId);
  if (!row) throw fail('VERSION_STATE', { state: 'NONE' });
  return row;
};

const commit = async (
  tx: Tx,
  module: ModuleRow,
  { before, step, now }: { before: ModuleVersionRow; step: CommitVersion; now: Date },
): Promise<VersionChange> => {
  if (before.state === State.PUBLISHED) return changeOf(module, before);
  if (before.state !== State.RESERVED) throw fail('VERSION_STATE', { state: enumName(State, before.state) });
  const document = step.document ?? {};
  const after = await markPublished(tx, before, { document, documentHash: documentHash(document), tables: step.tables }, now);
  await setHeadVersion(tx, module.id, after.version, now);
  await markSuperseded(tx, module.id, supersededBy(document, await otherPublished(tx, module.id, after.place)));
  return changeOf(module, after, before);
};

const abandon = async (tx: Tx, module: ModuleRow, before: ModuleVersionRow): Promise<VersionChange> => {
  if (before.state === State.ABANDONED) return changeOf(module, before);
  if (before.state !== State.RESERVED) throw fail('VERSION_STATE', { state: enumName(State, before.state) });
  return changeOf(module, await markAbandoned(tx, before), before);
};

/** A reservation that an ended run has left does not stand in the way of the next one. */
const takeBackOther = async (deps: Deps, request: PublishDataModuleVersionRequest, ctx: ServiceCall): Promise<void> => {
  const other = await findReservation(deps.store.db, request.moduleId);
  if (other && other.uploadId !== request.uploadId) await takeBack(deps, other, { by: request, parent: ctx });
};

/** Reserves, publishes or abandons the next version. A repeated step returns what the first one returned. */
export const publishDataModuleVersion =
  (deps: Deps) =>
  async (request: PublishDataModuleVersionRequest, ctx: ServiceCall): Promise<PublishDataModuleVersionResponse> => {
    requireService(ctx, 'data');
    const { step } = request;
    if (step?.$case === 'commit') await checkDocument(step.value.document ?? {});
    if (step?.$case === 'reserve') await takeBackOther(deps, request, ctx);
    return mutate(deps.store, ctx, '', async (tx) => {
      const module = await lockModule(tx, request.moduleId);
      if (!module) throw notFound('module');
      switch (step?.$case) {
        case 'reserve':
          return reserve(tx, module, request, step.value);
        case 'commit':
          return commit(tx, module, { before: await requireVersion(tx, request.uploadId), step: step.value, now: deps.now() });
        case 'abandon':
          return abandon(tx, module, await requireVersion(tx, request.uploadId));
        case undefined:
          throw fail('VERSION_STATE', { state: 'NONE' });
      }
    });
  };
