// The main job on the stack of `npm start`: what the target database holds, and that the published document describes it.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { BaseType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { runJob, type JobResult } from '@lethe/local/job';
import { stateName, isTerminal } from '@lethe/contracts/run-state';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { count, quasiIdentifying, readPublished, smallestClass, type PublishedTable } from './support/published.ts';
import { startTestStack, type TestStack } from './support/stack.ts';

const PORT_BASE = 18_000;
const K = 10;

let stack: TestStack;
let first: JobResult;
let target: Client;
let document: Record<string, unknown>;
let table: PublishedTable;

beforeAll(async () => {
  stack = await startTestStack(PORT_BASE, {});
  first = await runJob(stack.census.people, stack.census.setup, { run: () => {}, note: () => {} });
  const { database, user, password } = stack.census.databases.target;
  target = new Client({ host: '127.0.0.1', port: stack.postgres.port, database, user, password });
  await target.connect();
  const { version } = await stack.census.people.editor.extdatamodule.getDataModuleVersion({
    moduleId: stack.census.setup.moduleId,
    version: first.versionAfter,
  });
  document = version?.document ?? {};
  table = await readPublished(document);
});
afterAll(async () => {
  await target.end();
  await stack.stop();
});

describe('the target database', () => {
  test('holds the rows of the version, and no column that identifies', async () => {
    expect(first.versionAfter).toBe('1.0.0');
    expect(await count(target, `select count(*) from ${table.storedAs}`)).toBe(Number(first.entry.rowCount));
    const { fields } = await target.query(`select * from ${table.storedAs} limit 0`);
    expect(fields.map(({ name }) => name)).toEqual(table.columns.map(({ name }) => name));
    const removed = ['fnlwgt', 'relationship', 'education_num', 'capital_gain', 'capital_loss'];
    expect(fields.filter(({ name }) => removed.includes(name))).toEqual([]);
    expect(await count(target, `select count(*) from ${table.storedAs} where person_id::text !~ '^[0-9a-f]{32,64}$'`)).toBe(0);
  });

  test(`has no class below ${K}, by GROUP BY over the quasi-identifying columns`, async () => {
    const quasi = quasiIdentifying(table);
    expect(quasi).toHaveLength(9);
    expect(await smallestClass(target, table)).toBeGreaterThanOrEqual(K);
    const classes = `select 1 from ${table.storedAs} group by ${quasi.join(', ')}`;
    expect(await count(target, `select count(*) from (${classes}) as classes`)).toBe(Number(first.entry.privacy?.classCount));
  });

  test('keeps to the rules of the module: hours in intervals, every kind of work known, every class named', async () => {
    const rows = (await target.query<Record<string, string>>(`select * from ${table.storedAs}`)).rows;
    expect(rows.every((row) => row['hours_per_week'] === '*' || /^\[\d+, \d+\)$/.test(row['hours_per_week'] ?? ''))).toBe(true);
    expect(rows.every((row) => row['workclass'] !== null && row['workclass'] !== '?')).toBe(true);
    expect(new Set(rows.map((row) => row['class'])).size).toBe(2);
  });

  test('accounts for every row that was read', () => {
    const person = first.run.tables.find(({ table }) => table === 'person');
    const sum = (counts: { count?: bigint; rowCount?: bigint }[] | undefined): bigint =>
      (counts ?? []).reduce((total, entry) => total + (entry.count ?? entry.rowCount ?? 0n), 0n);
    expect(sum(person?.read)).toBe(
      sum(person?.dropped) + (person?.mergedCount ?? 0n) + (person?.suppressedCount ?? 0n) + (person?.storedCount ?? 0n),
    );
    // One row was deleted in the review.
    expect(first.entry.rowCount).toBe((person?.storedCount ?? 0n) - 1n);
  });
});

describe('the published document', () => {
  test('makes a module whose run collects the same content', async () => {
    const { editor, manager, reviewer } = stack.census.people;
    const { groupId } = stack.census.setup;
    const { dataModule } = await editor.extdatamodule.createDataModule({ groupId, displayName: 'census again', document });
    const { task } = await editor.task.createTask({ groupId, displayName: 'census again', moduleId: dataModule?.id ?? '' });
    const taskId = task?.id ?? '';
    await editor.task.release({ taskId });
    const { run } = await manager.task.start({ target: { $case: 'taskId', value: taskId } });
    const runId = run?.id ?? '';
    for await (const { run: seen } of manager.task.watchRun({ runId })) {
      if (seen?.state === RunState.PREPARED && !seen.reconciling) break;
      if (seen && isTerminal(seen.state)) throw new Error(`the run ended ${stateName(seen.state)}: ${seen.error}`);
    }
    const { entries } = await reviewer.data.getAll({ runId });
    expect(entries).toHaveLength(1);
    expect(entries[0]?.contentHash).toBe(first.entry.contentHash);
    expect(entries[0]?.rowCount).toBe(first.entry.rowCount);
  });

  test('has the datatypes that the rows have', async () => {
    const kinds: Partial<Record<BaseType, string>> = { [BaseType.STRING]: 'text', [BaseType.INTEGER]: 'bigint' };
    const { rows } = await target.query<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns where table_name = $1 order by ordinal_position`,
      [table.storedAs.replaceAll('"', '')],
    );
    expect(rows).toEqual(table.columns.map(({ name, type }) => ({ name, type: kinds[type?.base ?? BaseType.UNSPECIFIED] })));
  });

  test('the next run of the same sources is a PATCH of the same content', async () => {
    const second = await runJob(stack.census.people, stack.census.setup, { run: () => {}, note: () => {} });
    expect([second.versionBefore, second.versionAfter]).toEqual(['1.0.0', '1.0.1']);
    expect(second.entry.contentHash).toBe(first.entry.contentHash);
  });
});
