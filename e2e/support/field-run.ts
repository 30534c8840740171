// Takes a field case through the public API, from its document to the uploaded rows.
import type { Cell as StoredCell, Entry, Row } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { RunState, type RuleCount, type TableReport } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { NullValue } from '@lethe/contracts/gen/google/protobuf/struct';
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { isTerminal } from '@lethe/contracts/run-state';
import { CallError } from '@lethe/grpc/errors';
import { postgresAddress } from '@lethe/testkit/orders';
import { confirmUpload, startRun } from '@lethe/testkit/runs';
import type { Suite, TestUser } from '@lethe/testkit/suite';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Client } from 'pg';
import type { Cell, Document, FieldCase, Report, Stage } from './field-case.ts';
import type { Outcome, TableRows } from './field-judge.ts';
import { startFieldServer, type FieldServer } from './field-server.ts';

/** Where cases run: services, and somebody with every duty in a group. */
export type Place = { suite: Suite; worker: TestUser; groupId: string };

/** The case as it runs. `name` is the folder of its files and the schema of its source; versions come into another schema, or the folder. */
type Field = Place & { case: FieldCase; name: string; published: string; connections: Map<string, string>; server?: FieldServer };

type Ended = Extract<Outcome, { reason: string }>;

/** What ends a case before its upload: a refusal. */
class FieldRefusal extends Error {
  readonly end: Omit<Ended, 'requests'>;

  constructor(at: Stage, reason: string, text: string) {
    super(text);
    this.end = { at, reason, text };
  }
}

/** Does calls of a stage; what they refuse is the end of the case. */
const during = async <Result>(stage: Stage, work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const fields = error.fields.map(({ field, description }) => `${field}: ${description}`);
    const preconditions = error.preconditions.map(({ subject, description }) => `${subject}: ${description}`);
    throw new FieldRefusal(stage, error.reason, [error.message, ...fields, ...preconditions].join('; '));
  }
};

const readNumber = (value: bigint | number): Cell => {
  const isExact = typeof value === 'bigint' ? Number.isSafeInteger(Number(value)) : Number.isFinite(value);
  return isExact ? Number(value) : { number: String(value) };
};

const readCell = (cell: StoredCell | undefined): Cell => {
  const value = cell?.value;
  if (value === undefined || value.$case === 'null') return null;
  return value.$case === 'int64' || value.$case === 'double' ? readNumber(value.value) : value.value;
};

const writeCell = (cell: Cell): StoredCell => {
  if (cell === null) return { value: { $case: 'null', value: NullValue.NULL_VALUE } };
  if (typeof cell === 'boolean') return { value: { $case: 'bool', value: cell } };
  if (typeof cell === 'string') return { value: { $case: 'text', value: cell } };
  return { value: { $case: 'int64', value: BigInt(typeof cell === 'number' ? cell : cell.number) } };
};

const pathOf = (field: Field, file: string): string => join(field.case.folder, file);

const inSchema = async <Result>(field: Field, schema: string, work: (client: Client) => Promise<Result>): Promise<Result> => {
  const client = new Client({ connectionString: field.suite.databaseUrl });
  await client.connect();
  try {
    await client.query(`set search_path = ${schema}`);
    return await work(client);
  } finally {
    await client.end();
  }
};

const runSql = (field: Field, schema: string, file: string): Promise<unknown> =>
  inSchema(field, schema, (client) => client.query(readFileSync(pathOf(field, file), 'utf8')));

const putFile = (field: Field, name: string, from: string): void =>
  copyFileSync(pathOf(field, from), join(field.suite.folder, field.groupId, field.name, name));

const setUp = async (place: Place, given: FieldCase): Promise<Field> => {
  const name = `field_${randomBytes(6).toString('hex')}`;
  const field: Field = { ...place, case: given, name, published: `${name}_out`, connections: new Map() };
  mkdirSync(join(place.suite.folder, place.groupId, name), { recursive: true });
  for (const file of given.files) putFile(field, file, file);
  await inSchema(field, 'public', (client) => client.query(`create schema ${name}; create schema ${field.published}`));
  if (given.sourceSql !== undefined) await runSql(field, name, given.sourceSql);
  return given.server === undefined ? field : { ...field, server: await startFieldServer(pathOf(field, given.server)) };
};

const addressOf = (field: Field, word: string) => {
  switch (word) {
    case '$file':
      return { type: 'file', settings: { path: field.name } };
    case '$source':
      return postgresAddress(field.suite, field.name);
    case '$target':
      return postgresAddress(field.suite, field.published);
    default:
      return { type: 'http', settings: { baseUrl: field.server?.url ?? '' } };
  }
};

/** The document with the ids of connections in place of the words for them. */
const withConnections = async (field: Field): Promise<Document> => {
  let text = JSON.stringify(field.case.document);
  for (const word of ['$file', '$source', '$target', '$http']) {
    if (!text.includes(`"${word}"`)) continue;
    const displayName = `${word.slice(1)} ${field.name}`;
    const made = await field.worker.extdatamodule.createConnection({ groupId: field.groupId, displayName, ...addressOf(field, word) });
    text = text.replaceAll(`"${word}"`, JSON.stringify(made.connection?.id));
  }
  return JSON.parse(text) as Document;
};

const bindTransform = async ({ case: given, worker, groupId, name }: Field, taskId: string): Promise<void> => {
  const [table] = given.document.tables;
  if (given.transform === undefined || table === undefined) return;
  const { script } = await worker.script.createScript({
    groupId,
    displayName: `transform ${name}`,
    type: Script_Type.TRANSFORMATION,
    language: extname(given.transform) === '.ts' ? Script_Language.TYPESCRIPT : Script_Language.SQL,
    content: readFileSync(join(given.folder, given.transform), 'utf8'),
    properties: { outputs: table.columns.map((column) => ({ name: column.name, type: column.datatype.base })) },
  });
  const scriptId = script?.id ?? '';
  await worker.script.releaseScript({ scriptId, version: 1 });
  const binding = { table: table.name, script: { scriptId, version: 0 }, connectionId: '', rank: 1, parameters: {} };
  await worker.task.updateTransformationScripts({ taskId, bindings: [binding], etag: '*' });
};

type Made = { moduleId: string; taskId: string };

/** A module of a document with a task that is not released. */
const makeModule = async ({ worker, groupId }: Place, displayName: string, document: Record<string, unknown>): Promise<Made> => {
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName, document });
  const moduleId = dataModule?.id ?? '';
  const { task } = await worker.task.createTask({ groupId, displayName, moduleId });
  return { moduleId, taskId: task?.id ?? '' };
};

/** The run as soon as nothing more happens to it by itself. */
const settled = async ({ worker }: Place, runId: string, isThere: (run: Run) => boolean): Promise<Run> => {
  for await (const { run } of worker.task.watchRun({ runId }))
    if (run && !run.reconciling && (isTerminal(run.state) || isThere(run))) return run;
  throw new Error('the watch of the run ended early');
};

const prepare = async (place: Place, taskId: string): Promise<Run> => {
  const runId = await during('run', () => startRun(place.worker, taskId));
  const run = await settled(place, runId, ({ state }) => state === RunState.PREPARED);
  if (run.state !== RunState.PREPARED) throw new FieldRefusal('run', run.errorInfo?.reason ?? '', run.error);
  return run;
};

const upload = async (place: Place, runId: string): Promise<Run> => {
  await during('upload', () => confirmUpload(place.worker, runId));
  const run = await settled(
    place,
    runId,
    ({ state, refusal }) => state === RunState.UPLOAD_UNKNOWN || (state === RunState.PREPARED && refusal !== ''),
  );
  if (run.state !== RunState.UPLOADED) throw new FieldRefusal('upload', run.errorInfo?.reason ?? '', run.refusal || run.error);
  return run;
};

const entriesOf = async ({ worker }: Place, runId: string): Promise<Entry[]> => (await worker.data.getAll({ runId })).entries;

/** At most a page: cases are small. */
const rowsOf = async ({ worker }: Place, { id, rowCount }: Entry): Promise<Row[]> => {
  const { rows } = await worker.data.readRows({ entryId: id, pageSize: 1000 });
  if (BigInt(rows.length) !== rowCount) throw new Error('a field case has more rows than a page');
  return rows;
};

const applyEdits = async (field: Field, runId: string): Promise<void> => {
  for (const edit of field.case.edits) {
    const entry = (await entriesOf(field, runId)).find(({ table }) => table === edit.table);
    if (entry === undefined) throw new Error(`an edit is of ${edit.table}, which has no entry`);
    const cells = entry.columns.map(({ name }) => writeCell(edit.add[name] ?? null));
    const edits = [{ edit: { $case: 'add' as const, value: { rowId: '', cells } } }];
    await during('edit', () => field.worker.data.modifie({ entryId: entry.id, etag: entry.etag, edits }));
  }
};

/** Changes what the case changes between its two runs. */
const change = async (field: Field, { moduleId, taskId }: Made, document: Document): Promise<void> => {
  const { case: given, worker } = field;
  for (const [name, from] of Object.entries(given.filesBetween)) putFile(field, name, from);
  if (given.targetBetween !== undefined) await runSql(field, field.published, given.targetBetween);
  const { columnsAfter } = given;
  if (columnsAfter === undefined) return;
  const tables = document.tables.map((table) => ({ ...table, columns: table.columns.filter(({ name }) => columnsAfter.includes(name)) }));
  await during('release', async () => {
    await worker.extdatamodule.updateDataModule({
      moduleId,
      dataModule: { document: { ...document, tables } },
      updateMask: ['document'],
      etag: '*',
    });
    await worker.task.release({ taskId });
  });
};

const totals = (counts: RuleCount[]): Record<string, number> => Object.fromEntries(counts.map(({ rule, count }) => [rule, Number(count)]));

const reportOf = (report: TableReport): Required<Report> => ({
  read: report.read.reduce((sum, { rowCount }) => sum + Number(rowCount), 0),
  suppressed: Number(report.suppressedCount),
  stored: Number(report.storedCount),
  dropped: totals(report.dropped),
});

const hashesOf = (entries: Entry[]): Record<string, string> =>
  Object.fromEntries(entries.map(({ table, contentHash }) => [table, contentHash]));

type Collected = { table: string; tableRead?: { schema?: string; table: string }; fileRead?: object };
type PublishedDocument = Document & { protocol: Collected[] };

/** The rows of a published table as texts, from where the document of its version says that they are. */
const targetRows = async (field: Field, document: PublishedDocument, table: string): Promise<(string | null)[][] | undefined> => {
  const { tableRead: read, fileRead } = document.protocol.find((entry) => entry.table === table) ?? {};
  // What lies in a file is compared by collecting it again.
  if (fileRead !== undefined) return undefined;
  if (read === undefined) throw new Error(`the published document collects no table ${table}`);
  const columns = document.tables.find(({ name }) => name === table)?.columns ?? [];
  // By way of JSON, which writes booleans as a case does.
  return inSchema(field, read.schema || field.published, async (client) => {
    const texts = columns.map(({ name }) => `to_json(${client.escapeIdentifier(name)}) #>> '{}'`);
    const query = `select ${texts.join(', ')} from ${client.escapeIdentifier(read.table)}`;
    const { rows } = await client.query<(string | null)[]>({ text: query, rowMode: 'array' });
    return rows;
  });
};

const collectAgain = async (field: Field, document: PublishedDocument): Promise<Record<string, string>> => {
  const { taskId } = await makeModule(field, `${field.name} again`, document);
  await field.worker.task.release({ taskId });
  const { id } = await prepare(field, taskId);
  return hashesOf(await entriesOf(field, id));
};

const outcomeOf = async (field: Field, run: Run): Promise<Outcome> => {
  const { worker, case: given } = field;
  const { version } = await worker.extdatamodule.getDataModuleVersion({ moduleId: run.moduleId, version: run.publishedVersion });
  const document = (version?.document ?? {}) as PublishedDocument;
  const entries = await entriesOf(field, run.id);
  const tables: Record<string, TableRows> = {};
  for (const entry of entries) {
    const target = await targetRows(field, document, entry.table);
    const outbox = (await rowsOf(field, entry)).map(({ cells }) => cells.map((cell) => readCell(cell)));
    tables[entry.table] = { outbox, ...(target === undefined ? {} : { target }) };
  }
  return {
    at: 'uploaded',
    tables,
    reports: Object.fromEntries(run.tables.map((report) => [report.table, reportOf(report)])),
    version: run.publishedVersion,
    hashes: hashesOf(entries),
    ...('recollect' in given.expect ? { recollected: await collectAgain(field, document) } : {}),
    requests: field.server?.requests() ?? 0,
  };
};

const runModule = async (field: Field): Promise<Outcome> => {
  const document = await withConnections(field);
  const made = await during('create', () => makeModule(field, field.name, document));
  await during('release', async () => {
    await bindTransform(field, made.taskId);
    await field.worker.task.release({ taskId: made.taskId });
  });
  if (field.case.again) {
    await upload(field, (await prepare(field, made.taskId)).id);
    await change(field, made, document);
  }
  const { id } = await prepare(field, made.taskId);
  await applyEdits(field, id);
  return outcomeOf(field, await upload(field, id));
};

/** Runs a case; says what came of it. */
export const runCase = async (place: Place, given: FieldCase): Promise<Outcome> => {
  const field = await setUp(place, given);
  try {
    return await runModule(field);
  } catch (error) {
    if (!(error instanceof FieldRefusal)) throw error;
    return { ...error.end, requests: field.server?.requests() ?? 0 };
  } finally {
    field.server?.close();
  }
};
