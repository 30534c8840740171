// What services alone may ask: the steps of publishing a version, and a connection with its secret against a run's ticket.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { DataModuleVersion_State as State, type TableVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { PublishDataModuleVersionRequest } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import { makePostgresConnection, makeWorker, ordersDocument, postgresAddress, query } from '@lethe/testkit/orders';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';

let suite: Suite;
let worker: TestUser;
let groupId: string;
let connectionId: string;
beforeAll(async () => {
  suite = await startSuite();
  ({ worker, groupId } = await makeWorker(suite));
  connectionId = await makePostgresConnection(suite, worker, groupId, 'public');
});
afterAll(() => suite.close());

const asService = async (service: 'data' | 'task', runId: string) =>
  suite.clients(await suite.serviceToken(service, { audience: 'extdatamodule', groupId, runId })).extdatamodule;

describe('PublishDataModuleVersion', () => {
  let moduleId: string;
  let uploadId: string;
  const runId = randomUUID();
  const table = (contentHash: string): TableVersion => ({ table: 'orders', contentHash, schemaHash: 's', rowCount: 3n });
  const document = () => ordersDocument(connectionId, connectionId, 'versioned');
  beforeEach(async () => {
    const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: randomUUID(), document: document() });
    moduleId = dataModule?.id ?? '';
    uploadId = `${runId}.${randomUUID()}`;
  });

  const step = async (wanted: PublishDataModuleVersionRequest['step'], upload = uploadId, run = runId) =>
    (await (await asService('data', run)).publishDataModuleVersion({ moduleId, runId: run, uploadId: upload, step: wanted })).version;
  const reserve = (
    baseVersion: string,
    tables: TableVersion[],
    onlyAdditions: Record<string, boolean> = {},
    upload = uploadId,
    run = runId,
  ) => step({ $case: 'reserve', value: { baseVersion, tables, onlyAdditions } }, upload, run);
  const commit = (tables: TableVersion[], upload = uploadId) => step({ $case: 'commit', value: { document: document(), tables } }, upload);
  const abandon = (upload = uploadId) => step({ $case: 'abandon', value: { reason: 'TEST' } }, upload);

  const listed = async (showAll: boolean): Promise<[string, State][]> => {
    const { versions } = await worker.extdatamodule.listDataModuleVersions({ moduleId, showAll });
    return versions.map(({ version, state }) => [version, state]);
  };

  test('reserves a number that users do not see, and publishes it as the head', async () => {
    expect(await reserve('', [table('a')])).toMatchObject({ version: '1.0.0', state: State.RESERVED, runId });
    expect(await listed(false)).toEqual([]);
    expect((await worker.extdatamodule.getDataModule({ moduleId })).dataModule?.headVersion).toBe('');
    expect(await commit([table('a')])).toMatchObject({ version: '1.0.0', state: State.PUBLISHED });
    expect(await listed(false)).toEqual([['1.0.0', State.PUBLISHED]]);
    expect((await worker.extdatamodule.getDataModule({ moduleId })).dataModule?.headVersion).toBe('1.0.0');
    const { version } = await worker.extdatamodule.getDataModuleVersion({ moduleId, version: '1.0.0' });
    expect(version?.document).toEqual(document());
  });

  test('returns a repeated step as the first time', async () => {
    const first = await reserve('', [table('a')]);
    expect(await reserve('', [table('a')])).toEqual(first);
    const published = await commit([table('a')]);
    expect(await commit([table('a')])).toEqual(published);
    expect(await listed(true)).toHaveLength(1);
  });

  /** Writes an execution of a run as DataManager has it. */
  const execute = (id: string, state: RunState) =>
    query(
      suite,
      `insert into lethe_data.executions (run_id, task_id, group_id, module_id, spec, ticket, started_by, state, desire, desire_revision,
         reached_revision, revision, resume_state, waiting_for, refusal, error, attempt, epoch, seed_key_id, seed_wrapped, delete_entries,
         upload_generation, published_version, next_attempt_time)
       values ('${id}', '${id}', '${groupId}', '${moduleId}', '', '', '', ${state}, ${Desire.UPLOAD}, 1, 1, 1, 0, '', '', '', 0, 1, '', '', false,
         0, '', now() + interval '1 hour') on conflict (run_id) do update set state = excluded.state`,
    );

  test('refuses another reservation while the run of one uploads, and one on a base that is not the head', async () => {
    const uploading = randomUUID();
    await execute(uploading, RunState.UPLOADING);
    await reserve('', [table('a')], {}, `${uploading}.0`, uploading);
    const other = `${runId}.other`;
    await expect(reserve('', [table('a')], {}, other)).rejects.toMatchObject({ reason: 'BASE_VERSION_CHANGED' });
    await commit([table('a')], `${uploading}.0`);
    await expect(reserve('', [table('a')], {}, other)).rejects.toMatchObject({
      reason: 'BASE_VERSION_CHANGED',
      metadata: { base_version: '', head_version: '1.0.0' },
    });
  });

  test('a version that is given up is never published, and makes room for the next', async () => {
    await reserve('', [table('a')]);
    expect(await abandon()).toMatchObject({ state: State.ABANDONED });
    await expect(commit([table('a')])).rejects.toMatchObject({ reason: 'VERSION_STATE' });
    expect((await reserve('', [table('a')], {}, `${uploadId}.next`))?.state).toBe(State.RESERVED);
    expect((await listed(true)).map(([, state]) => state)).toEqual([State.ABANDONED, State.RESERVED]);
  });

  test('takes back the reservation of a run that is over, and that of an earlier upload of the same run', async () => {
    const over = randomUUID();
    await execute(over, RunState.FAILED);
    await reserve('', [table('a')], {}, `${over}.0`, over);
    await reserve('', [table('a')]);
    expect(await reserve('', [table('a')], {}, `${runId}.later`)).toMatchObject({ version: '1.0.0', state: State.RESERVED });
    await commit([table('a')], `${runId}.later`);
    expect((await listed(true)).map(([, state]) => state)).toEqual([State.ABANDONED, State.ABANDONED, State.PUBLISHED]);
  });

  test('a version whose rows a later one took the place of is SUPERSEDED, and its document is not collected any more', async () => {
    await reserve('', [table('a')]);
    const first = { ...document(), provenance: { version: '1.0.0', run: runId, module: moduleId } };
    await step({ $case: 'commit', value: { document: first, tables: [table('a')] } });
    const second = `${runId}.second`;
    await reserve('1.0.0', [table('b')], {}, second);
    await commit([table('b')], second);
    expect(await listed(false)).toEqual([
      ['1.0.0', State.SUPERSEDED],
      ['2.0.0', State.PUBLISHED],
    ]);
    const old = await worker.extdatamodule.getDataModuleVersion({ moduleId, version: '1.0.0' });
    expect(old.version?.state).toBe(State.SUPERSEDED);
    await expect(worker.extdatamodule.createDataModule({ groupId, displayName: randomUUID(), document: first })).rejects.toMatchObject({
      reason: 'VERSION_SUPERSEDED',
      metadata: { version: '1.0.0' },
    });
  });

  test('a published version is not given up', async () => {
    await reserve('', [table('a')]);
    await commit([table('a')]);
    await expect(abandon()).rejects.toMatchObject({ reason: 'VERSION_STATE', metadata: { state: 'PUBLISHED' } });
  });

  test('numbers by content: PATCH, MINOR where rows were only added, MAJOR where that is not known', async () => {
    await reserve('', [table('a')]);
    await commit([table('a')]);
    const next = async (base: string, hash: string, onlyAdditions: Record<string, boolean>): Promise<string | undefined> => {
      const upload = `${runId}.${hash}.${base}`;
      const reserved = await reserve(base, [table(hash)], onlyAdditions, upload);
      await commit([table(hash)], upload);
      return reserved?.version;
    };
    expect(await next('1.0.0', 'a', {})).toBe('1.0.1');
    expect(await next('1.0.1', 'b', { orders: true })).toBe('1.1.0');
    expect(await next('1.1.0', 'c', {})).toBe('2.0.0');
  });

  test('is for DataManager alone', async () => {
    const value = { baseVersion: '', tables: [table('a')], onlyAdditions: {} };
    const call = (await asService('task', runId)).publishDataModuleVersion({
      moduleId,
      runId,
      uploadId,
      step: { $case: 'reserve', value },
    });
    await expect(call).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  });
});

describe('ResolveConnection', () => {
  const runId = randomUUID();
  const read = (releasedBy = worker.id) => ({
    runId,
    groupId,
    releasedBy,
    snapshotHash: 'h',
    connections: [{ connectionId, access: 'READ' as const }],
  });
  const resolve = async (ticket: string, write = false, workingOn: string = runId, service: 'data' | 'task' = 'data') =>
    (await asService(service, workingOn)).resolveConnection({ ticket, connectionId, write });

  test('returns address and secret against a ticket of the run', async () => {
    const { connection, secret } = await resolve(await suite.ticket('task', read()));
    expect(connection?.id).toBe(connectionId);
    expect(secret).toEqual(postgresAddress(suite, 'public').secret);
  });

  test('refuses a ticket of another run, an expired one, one that another service signed, and a word that is none', async () => {
    const refused = { reason: 'TICKET_INVALID' };
    const good = await suite.ticket('task', read());
    await expect(resolve(good, false, randomUUID())).rejects.toMatchObject(refused);
    await expect(resolve(good, false, '')).rejects.toMatchObject(refused);
    await expect(resolve(await suite.ticket('task', read(), -120_000))).rejects.toMatchObject(refused);
    await expect(resolve(await suite.ticket('data', read()))).rejects.toMatchObject(refused);
    await expect(resolve('a ticket')).rejects.toMatchObject(refused);
  });

  test('refuses to write by a ticket for reading, and a connection that the ticket does not name', async () => {
    await expect(resolve(await suite.ticket('task', read()), true)).rejects.toMatchObject({ reason: 'TICKET_INVALID' });
    const other = { ...read(), connections: [{ connectionId: randomUUID(), access: 'READ' as const }] };
    await expect(resolve(await suite.ticket('task', other))).rejects.toMatchObject({ reason: 'TICKET_INVALID' });
  });

  test('is for DataManager alone', async () => {
    await expect(resolve(await suite.ticket('task', read()), false, runId, 'task')).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  });

  test('asks for the grant of who released the task each time: without one, or revoked, nothing is given', async () => {
    const asker = await makeWorker(suite);
    const ticket = await suite.ticket('task', read(asker.worker.id));
    const refused = { reason: 'GRANT_MISSING', metadata: { connection_id: connectionId } };
    await expect(resolve(ticket)).rejects.toMatchObject(refused);
    const granted = await worker.user.addAccess({ connectionId, userId: asker.worker.id, access: Access.READ, reason: 'for a run' });
    expect((await resolve(ticket)).connection?.id).toBe(connectionId);
    await worker.user.revokeAccess({ accessRequestId: granted.accessRequest?.id ?? '', comment: 'over' });
    await expect(resolve(ticket)).rejects.toMatchObject(refused);
  });
});

describe('on a plaintext listener that is not loopback', () => {
  const address = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (address === undefined) process.stderr.write('skipped: this machine has no address beside loopback\n');

  test.runIf(address !== undefined)('neither a run nor TestConnection gets a secret passed on', async () => {
    const open = await startSuite({ host: address ?? '', services: ['user', 'audit', 'extdatamodule', 'data'] });
    try {
      const people = await makeWorker(open);
      const id = await makePostgresConnection(open, people.worker, people.groupId, 'public');
      const runId = randomUUID();
      const connections = [{ connectionId: id, access: 'READ' as const }];
      const token = await open.serviceToken('data', { audience: 'extdatamodule', groupId: people.groupId, runId });
      const ticket = await open.ticket('task', {
        runId,
        groupId: people.groupId,
        releasedBy: people.worker.id,
        snapshotHash: 'h',
        connections,
      });
      await expect(open.clients(token).extdatamodule.resolveConnection({ ticket, connectionId: id, write: false })).rejects.toMatchObject({
        reason: 'TRANSPORT_INSECURE',
      });
      await expect(people.worker.extdatamodule.testConnection({ connectionId: id })).rejects.toMatchObject({
        reason: 'TRANSPORT_INSECURE',
      });
    } finally {
      await open.close();
    }
  });
});
