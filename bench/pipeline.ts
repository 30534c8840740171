// A whole run, Postgres to Postgres, beside two ceilings: COPY out and in of the same table, and DuckDB alone over the same file.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CensusDatabases } from '@lethe/local/census-source';
import { fillDatabases, readRows } from '@lethe/local/census-source';
import { censusDocument } from '@lethe/local/census-module';
import { databaseUrl } from '@lethe/servers/provision';
import { isTerminal, stateName } from '@lethe/contracts/run-state';
import { copyIn, copyOut, runDuckDb } from './ceilings.ts';
import type { BenchOptions } from './options.ts';
import { EXAMPLE, withStack, type OwnStack } from './own-stack.ts';
import { lineOf, median, printColumns, type Line } from './table.ts';

const DEFAULT_ROWS = 300_000;
const ROUNDS = 3;
const DATABASES: CensusDatabases = {
  source: { database: 'bench_source', user: 'bench_source', password: 'bench' },
  target: { database: 'bench_target', user: 'bench_target', password: 'bench' },
};

/** Milliseconds of a run by state. */
type Stages = Map<string, number>;
type Setup = { taskId: string; sourceUrl: string; targetUrl: string; csv: string; parquet: string };

const makeTask = async ({ people: { admin }, stack }: OwnStack): Promise<string> => {
  const groupId = (await admin.user.createGroup({ displayName: 'bench' })).group?.id ?? '';
  const connect = async ({ database, user, password }: CensusDatabases['source']): Promise<string> => {
    const settings = { host: '127.0.0.1', port: stack.postgres.port, database, user };
    const secret = { values: { password } };
    return (
      (await admin.extdatamodule.createConnection({ groupId, displayName: database, type: 'postgres', settings, secret })).connection?.id ??
      ''
    );
  };
  const source = await connect(DATABASES.source);
  const document = censusDocument(EXAMPLE, { people: source, http: source, target: await connect(DATABASES.target) });
  // One source: the ceilings read one table as well.
  document['protocol'] = (document['protocol'] as { tableRead?: unknown }[]).filter(({ tableRead }) => tableRead !== undefined);
  const module = await admin.extdatamodule.createDataModule({ groupId, displayName: 'bench', document });
  const made = await admin.task.createTask({ groupId, displayName: 'bench', moduleId: module.dataModule?.id ?? '' });
  const taskId = made.task?.id ?? '';
  await admin.task.release({ taskId });
  return taskId;
};

/** Follows a run until `until` holds, and counts the time that it spends in each state. */
const follow = async ({ people: { admin } }: OwnStack, runId: string, until: (run: Run) => boolean, stages: Stages): Promise<Run> => {
  let state = '';
  let sinceMs = performance.now();
  const leave = (): void => {
    if (state !== '') stages.set(state, (stages.get(state) ?? 0) + performance.now() - sinceMs);
    sinceMs = performance.now();
  };
  for await (const { run } of admin.task.watchRun({ runId })) {
    if (!run) continue;
    if (stateName(run.state) !== state) {
      leave();
      state = stateName(run.state);
    }
    if (until(run)) return run;
    if (isTerminal(run.state)) throw new Error(`the run ended ${stateName(run.state)}: ${run.error}`);
  }
  throw new Error('the watch of the run ended early');
};

const runOnce = async (
  own: OwnStack,
  taskId: string,
  stages: Stages,
): Promise<{ preparedMs: number; uploadedMs: number; storedRows: number }> => {
  const { admin } = own.people;
  const startMs = performance.now();
  const { run } = await admin.task.start({ target: { $case: 'taskId', value: taskId } });
  const runId = run?.id ?? '';
  const prepared = await follow(own, runId, ({ state, reconciling }) => state === RunState.PREPARED && !reconciling, stages);
  const preparedMs = performance.now() - startMs;
  const confirmMs = performance.now();
  await admin.task.start({ target: { $case: 'runId', value: runId } });
  await follow(own, runId, ({ state, refusal }) => state === RunState.UPLOADED || refusal !== '', stages);
  const storedRows = Number(prepared.tables.find(({ table }) => table === 'person')?.storedCount ?? 0n);
  return { preparedMs, uploadedMs: preparedMs + performance.now() - confirmMs, storedRows };
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

const prepare = async (own: OwnStack, rowCount: number): Promise<Setup & { sourceRows: number }> => {
  const url = own.stack.postgres.url;
  await fillDatabases(url, DATABASES, EXAMPLE, await readRows(EXAMPLE, rowCount));
  const urlOf = ({ database, user, password }: CensusDatabases['source']): string => databaseUrl(url, database, { name: user, password });
  const setup = {
    taskId: await makeTask(own),
    sourceUrl: urlOf(DATABASES.source),
    targetUrl: urlOf(DATABASES.target),
    csv: join(own.folder, 'people.csv'),
    parquet: join(own.folder, 'people.parquet'),
  };
  return { ...setup, sourceRows: await copyOut(setup.sourceUrl, 'people', setup.csv) };
};

const printStages = (rounds: Stages[], rows: number): void => {
  const seen = [...new Set(rounds.flatMap((stages) => [...stages.keys()]))];
  const timeOf = (name: string): number => median(rounds.map((stages) => stages.get(name) ?? 0));
  // A state that most rounds passed between two looks of the watch has no time to show.
  const names = seen.filter((name) => timeOf(name) >= 1);
  const times = names.map(timeOf);
  const total = times.reduce((sum, time) => sum + time, 0);
  process.stdout.write(`\nStages of the run, medians, ${rows} rows\n`);
  printColumns(
    names.map((name, index) => {
      const time = times[index] ?? 0;
      return [name, `${(time / 1000).toFixed(2)} s`, `${((time / total) * 100).toFixed(1)}%`, `${Math.round(rows / (time / 1000))} rows/s`];
    }),
  );
};

const bench = async (own: OwnStack, options: BenchOptions): Promise<Line[]> => {
  const setup = await prepare(own, options.rows ?? DEFAULT_ROWS);
  const { sourceRows } = setup;
  const rate = (times: number[]): number[] => times.map((ms) => sourceRows / (ms / 1000));
  const stages: Stages[] = [];
  const prepared: number[] = [];
  const uploaded: number[] = [];
  const duckdb: number[] = [];
  const copied: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const passed: Stages = new Map();
    const run = await runOnce(own, setup.taskId, passed);
    stages.push(passed);
    prepared.push(run.preparedMs);
    uploaded.push(run.uploadedMs);
    duckdb.push(await timed(async () => runDuckDb((await copyOut(setup.sourceUrl, 'people', setup.csv), setup.csv), setup.parquet)));
    copied.push(
      await timed(async () => {
        await copyOut(setup.sourceUrl, 'people', setup.csv);
        await copyIn({ url: setup.targetUrl, table: 'people_copy' }, { url: setup.sourceUrl, table: 'people' }, setup.csv);
      }),
    );
  }
  const megabytes = (await stat(setup.csv)).size / 1e6;
  process.stdout.write(`${sourceRows} rows, ${megabytes.toFixed(0)} MB of csv, ${ROUNDS} rounds\n`);
  if (options.profile) printStages(stages, sourceRows);
  return [
    lineOf('run to PREPARED', 'rows/s', rate(prepared), { name: 'DuckDB alone: COPY out, clean, group, write', values: rate(duckdb) }),
    lineOf('run to UPLOADED', 'rows/s', rate(uploaded), { name: 'COPY out and COPY in, no rules', values: rate(copied) }),
  ];
};

/** `npm run bench -- pipeline`. */
export const benchPipeline = (options: BenchOptions): Promise<Line[]> => withStack({}, (own) => bench(own, options));
