// Random modules through the public API: refused with a reason, or uploaded with all that the document says, and the same when collected again.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { DataModuleVersion_State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { RowEdit } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { NullValue } from '@lethe/contracts/gen/google/protobuf/struct';
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { isTerminal, stateName } from '@lethe/contracts/run-state';
import { makeWorker, postgresAddress, query } from '@lethe/testkit/orders';
import { confirmUpload, startRun } from '@lethe/testkit/runs';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import * as fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallError } from '@lethe/grpc/errors';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checksOf } from './support/any-checks.ts';
import {
  TRANSFORMS,
  anyModule,
  columnsOf,
  documentOf,
  isTypeScript,
  sourceFiles,
  sourceSql,
  type AnyEdit,
  type AnyModule,
  type AnySource,
  type AnyStore,
} from './support/any-module.ts';

const MODULES = Number(process.env['LETHE_TEST_MODULES'] ?? 40);
const MS_A_MODULE = 20_000;

let suite: Suite;
let worker: TestUser;
let groupId: string;
beforeAll(async () => {
  suite = await startSuite();
  ({ worker, groupId } = await makeWorker(suite));
});
afterAll(() => suite.close());

/** What a module came to: the reason where it was refused. */
type Outcome = { state: 'refused' | 'failed' | 'kept' | 'uploaded'; reason: string; moduleId?: string };

/** Sentences with which a run may honestly end: what the rows turn out to be, and what a transform makes of them, cannot be known before they are read. */
const honestOf = ({ transform }: AnyModule): RegExp[] => [
  /no levels hold k/,
  /smallest class has/,
  ...(transform.startsWith('doubled') ? [/values that occur more than once/] : []),
  ...(transform.startsWith('emptied') ? [/must not be empty/] : []),
  ...(transform === 'beyond' ? [/is beyond its range/] : []),
];

// Reasons that a client meets by calling again.
const AWAY = ['DEPENDENCY_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'UNAVAILABLE'];

const settle = async (runId: string): Promise<{ state: RunState; error: string; refusal: string; version: string }> => {
  for (;;) {
    const { run } = await worker.task.getRun({ runId });
    if (run && !run.reconciling && (isTerminal(run.state) || run.state === RunState.PREPARED))
      return { state: run.state, error: run.error, refusal: run.refusal, version: run.publishedVersion };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const bindTransform = async (module: AnyModule, taskId: string): Promise<void> => {
  const [table] = module.tables;
  if (module.transform === 'none' || !table) return;
  const { script } = await worker.script.createScript({
    groupId,
    displayName: `transform ${taskId}`,
    type: Script_Type.TRANSFORMATION,
    language: isTypeScript(module.transform) ? Script_Language.TYPESCRIPT : Script_Language.SQL,
    content: TRANSFORMS[module.transform],
    properties: { outputs: columnsOf(table).map(({ name, datatype }) => ({ name, type: datatype.base })) },
  });
  const scriptId = script?.id ?? '';
  await worker.script.releaseScript({ scriptId, version: 1 });
  const binding = { table: 't0', script: { scriptId, version: 0 }, connectionId: '', rank: 1, parameters: {} };
  await worker.task.updateTransformationScripts({ taskId, bindings: [binding], etag: '*' });
};

/** A module with a released task. */
const release = async (document: Record<string, unknown>, prepare: (taskId: string) => Promise<void>) => {
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: randomBytes(6).toString('hex'), document });
  const moduleId = dataModule?.id ?? '';
  const { task } = await worker.task.createTask({ groupId, displayName: moduleId, moduleId });
  const taskId = task?.id ?? '';
  await prepare(taskId);
  await worker.task.release({ taskId });
  return { moduleId, taskId };
};

const cellsOf = (kind: AnyEdit['kind']): Record<string, unknown> => {
  if (kind === 'text') return { v: { value: { $case: 'text', value: 'edited, "twice"' } } };
  if (kind === 'beyond') return { n: { value: { $case: 'int64', value: 999n } } };
  if (kind === 'stray') return { r0: { value: { $case: 'int64', value: 4711n } } };
  return { v: { value: { $case: 'null', value: NullValue.NULL_VALUE } } };
};

/** Edits that break a rule of their table must be refused, and the others taken. */
const applyEdit = async (module: AnyModule, runId: string, { table, row, kind }: AnyEdit): Promise<void> => {
  const { entries } = await worker.data.getAll({ runId });
  const entry = entries.find((candidate) => candidate.table === `t${table}`);
  const of = module.tables[table];
  if (!entry || !of || (kind === 'stray' && of.references.length === 0)) return;
  const { rows } = await worker.data.readRows({ entryId: entry.id, pageSize: 100 });
  const rowId = rows[row % Math.max(1, rows.length)]?.rowId;
  if (rowId === undefined) return;
  const edit = kind === 'delete' ? { $case: 'deleteRowId', value: rowId } : { $case: 'update', value: { rowId, cells: cellsOf(kind) } };
  const done = worker.data.modifie({ entryId: entry.id, etag: entry.etag, edits: [{ edit } as RowEdit] });
  const breaks = kind === 'stray' || (kind === 'beyond' && of.range !== '') || (kind === 'emptied' && of.isRequired);
  if (breaks) await expect(done).rejects.toMatchObject({ reason: 'EDIT_INVALID' });
  else await done;
};

const hashesOf = async (runId: string): Promise<[string, string][]> => {
  const { entries } = await worker.data.getAll({ runId });
  return entries
    .map(({ table, contentHash }): [string, string] => [table, contentHash])
    .toSorted(([left], [right]) => left.localeCompare(right));
};

/** Collects a published version again, to PREPARED. */
const recollect = async (document: Record<string, unknown>, hashes: [string, string][]): Promise<void> => {
  const again = await release(document, () => Promise.resolve());
  const runId = await startRun(worker, again.taskId);
  const { state, error } = await settle(runId);
  expect(`${stateName(state)} ${error}`).toBe('PREPARED ');
  expect(await hashesOf(runId)).toEqual(hashes);
};

/** Asks the target in plain SQL, and collects what it holds again. */
const verify = async (module: AnyModule, published: string, moduleId: string, runId: string, version: string): Promise<void> => {
  const { version: found } = await worker.extdatamodule.getDataModuleVersion({ moduleId, version });
  const document = found?.document as Record<string, unknown> & { protocol: { table: string; tableRead: { table: string } }[] };
  const stored = module.tables.map((_, index) => {
    const read = document.protocol.find(({ table }) => table === `t${index}`)?.tableRead.table ?? '';
    return `${published}."${read}"`;
  });
  for (const { about, sql } of checksOf(module, stored)) {
    const [row] = await query<{ broken: string }>(suite, sql);
    expect(`${about}: ${row?.broken}`).toBe(`${about}: 0`);
  }
  await recollect(document, await hashesOf(runId));
};

const writeFiles = async (module: AnyModule, folder: string): Promise<void> => {
  const path = join(suite.folder, groupId, folder);
  await mkdir(path, { recursive: true });
  for (const [name, text] of sourceFiles(module)) await writeFile(join(path, name), text);
};

const connect = async (address: { type: string; settings: Record<string, unknown> }): Promise<string> => {
  const made = await worker.extdatamodule.createConnection({ groupId, displayName: randomBytes(6).toString('hex'), ...address });
  return made.connection?.id ?? '';
};

/** The connections of a module's sources: one each, or one a kind of store that the sources share. */
const connectSources = async (module: AnyModule, name: string): Promise<AnySource[]> => {
  const addressOf = (store: AnyStore['store']) =>
    store === 'postgres' ? postgresAddress(suite, name) : { type: 'file', settings: { path: name } };
  const shared = new Map<string, string>();
  const sources: AnySource[] = [];
  for (const [table, { sources: own, isOnOwnConnections }] of module.tables.entries())
    for (const [index, { store }] of own.entries()) {
      const kind = store === 'postgres' ? store : 'file';
      const connection = (isOnOwnConnections ? undefined : shared.get(kind)) ?? (await connect(addressOf(store)));
      if (!isOnOwnConnections) shared.set(kind, connection);
      sources.push({ table, rank: index + 1, connection });
    }
  return sources;
};

const runModule = async (module: AnyModule): Promise<Outcome> => {
  const schema = `any_${randomBytes(5).toString('hex')}`;
  const published = `${schema}_out`;
  await query(suite, `create schema ${schema}; create schema ${published}; ${sourceSql(module, schema)}`);
  if (module.isTaken) await query(suite, `create table ${published}.t0 (theirs int); insert into ${published}.t0 values (1)`);
  await writeFiles(module, schema);
  const document = documentOf(module, await connectSources(module, schema), await connect(postgresAddress(suite, published)));
  const released = await release(document, (taskId) => bindTransform(module, taskId)).catch((error: unknown) => {
    if (!(error instanceof CallError) || AWAY.includes(error.reason)) throw error;
    return error;
  });
  if (!('taskId' in released)) {
    expect(released).toMatchObject({ reason: expect.stringMatching(/^(DOCUMENT_INVALID|RELEASE_INCOMPLETE|NOT_READY)$/) });
    return { state: 'refused', reason: released.reason };
  }
  const runId = await startRun(worker, released.taskId);
  const prepared = await settle(runId);
  if (module.isTaken) {
    expect(`${stateName(prepared.state)} ${prepared.error}`).toMatch(/^FAILED .*was not made there by an upload of this module/);
    expect(await query(suite, `select theirs from ${published}.t0`)).toEqual([{ theirs: 1 }]);
    return { state: 'failed', reason: prepared.error };
  }
  if (prepared.state !== RunState.PREPARED) {
    expect(honestOf(module).some((sentence) => sentence.test(prepared.error)) || prepared.error).toBe(true);
    return { state: 'failed', reason: prepared.error };
  }
  for (const edit of module.edits) await applyEdit(module, runId, edit);
  await confirmUpload(worker, runId);
  let ended = await settle(runId);
  while (ended.state === RunState.PREPARED && ended.refusal === '') ended = await settle(runId);
  if (ended.state === RunState.PREPARED) {
    // Deleted rows may leave others without their parent, or a class below k.
    expect(ended.refusal).toMatch(/refer by|smallest class has/);
    expect(module.edits.some(({ kind }) => kind === 'delete')).toBe(true);
    return { state: 'kept', reason: ended.refusal, moduleId: released.moduleId };
  }
  expect(`${stateName(ended.state)} ${ended.error}`).toBe('UPLOADED ');
  await verify(module, published, released.moduleId, runId, ended.version);
  return { state: 'uploaded', reason: '', moduleId: released.moduleId };
};

/** A reservation ends with its upload. */
const expectNothingReserved = async (moduleId: string): Promise<void> => {
  const { versions } = await worker.extdatamodule.listDataModuleVersions({ moduleId, showAll: true });
  expect(versions.filter(({ state }) => state === DataModuleVersion_State.RESERVED)).toEqual([]);
};

/** Runs a module, anew where a service was away: a busy machine says nothing of the module. */
const runPatiently = async (module: AnyModule, tries = 5): Promise<Outcome> => {
  try {
    return await runModule(module);
  } catch (error) {
    if (!(error instanceof CallError) || !AWAY.includes(error.reason) || tries === 1) throw error;
    await sleep(5_000);
    return runPatiently(module, tries - 1);
  }
};

it(
  'any module is refused with a reason, or uploaded with keys, references, ranges and k that hold, and is the same when it is collected again',
  async () => {
    const outcomes: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(anyModule, async (module) => {
        const { state, moduleId } = await runPatiently(module);
        if (moduleId !== undefined) await expectNothingReserved(moduleId);
        outcomes[state] = (outcomes[state] ?? 0) + 1;
      }),
      { numRuns: MODULES, endOnFailure: true },
    );
    process.stdout.write(`${MODULES} modules: ${JSON.stringify(outcomes)}\n`);
    // Most modules reach a target, else little was shown.
    expect(outcomes['uploaded'] ?? 0).toBeGreaterThan(MODULES / 3);
  },
  MODULES * MS_A_MODULE,
);
