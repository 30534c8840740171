import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { BaseType, type Column, Role, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { openEngine, type Engine } from '../../src/engine/engine.ts';
import { DUCKDB } from '../../src/plan/dialect.ts';
import { quoteIdentifier, quoteList } from '../../src/plan/identifiers.ts';
import { columnType, writeTextSql } from '../../src/plan/types.ts';
import { applyRules } from '../../src/stages/rules/apply-rules.ts';
import type { StageManifest, StageTable, TableCounts } from '../../src/stages/stage-manifest.ts';
import type { StageContext, StageProgress } from '../../src/stages/stage.ts';
import { writeExtract, type SourceRows } from '../../src/stages/extract/write-extract.ts';

/** For tests: an engine over a temporary folder, in which every run has a folder of its own. */
export type Bench = { root: string; engine: Engine; close: () => Promise<void>; folder: () => Promise<string> };

export const openBench = async (): Promise<Bench> => {
  const root = await mkdtemp(join(tmpdir(), 'lethe-run-'));
  const engine = await openEngine({ directory: root });
  let count = 0;
  return {
    root,
    engine,
    folder: async () => {
      count += 1;
      const directory = join(root, `run${count}`);
      await mkdir(directory);
      return directory;
    },
    close: async () => {
      await engine.close();
      await rm(root, { recursive: true, force: true });
    },
  };
};

type ColumnParts = Parameters<typeof Table.fromPartial>[0]['columns'] extends (infer Part)[] | undefined ? Part : never;

/** A column of a type, STRING where none is named. */
export const column = (name: string, base: BaseType = BaseType.STRING, rest: ColumnParts = {}): Column => {
  const [made] = Table.fromPartial({ columns: [{ name, role: Role.INSENSITIVE, type: { base }, ...rest }] }).columns;
  if (made === undefined) throw new Error('no column');
  return made;
};

export const planOf = (
  tables: Parameters<typeof Table.fromPartial>[0][],
  rest: Parameters<typeof EffectivePlan.fromPartial>[0] = {},
): EffectivePlan => EffectivePlan.fromPartial({ ...rest, tables, results: rest.results ?? tables });

export const contextOf = (bench: Bench, directory: string, plan: EffectivePlan): StageContext => ({
  directory,
  plan,
  planHash: 'plan-hash',
  engine: bench.engine,
  signal: new AbortController().signal,
  epoch: 1n,
  fence: async () => {},
  onProgress: () => undefined,
  keepMissingLeaves: async () => {},
});

/** The rows of a table of a stage as canonical texts, in the order of their row ids. */
export const rowsOf = async (bench: Bench, directory: string, table: StageTable): Promise<(string | null)[][]> => {
  if (table.segments.length === 0) return [];
  const paths = quoteList(table.segments.map((segment) => join(directory, segment.path)));
  const columns = table.columns.map((entry) => writeTextSql(quoteIdentifier(entry.name), columnType(entry), DUCKDB)).join(', ');
  return (await bench.engine.sql(`SELECT ${columns} FROM read_parquet(${paths}) ORDER BY row_id`)).rows;
};

export type RulesRun = {
  directory: string;
  manifest: StageManifest;
  rows: Record<string, (string | null)[][]>;
  counts: Record<string, TableCounts>;
  progress: StageProgress[];
};

/** Runs the real stage over rows of texts. */
export const runRules = async (bench: Bench, plan: EffectivePlan, sources: SourceRows[]): Promise<RulesRun> => {
  const directory = await bench.folder();
  await writeExtract(directory, 'plan-hash', sources);
  const progress: StageProgress[] = [];
  const manifest = await applyRules({ ...contextOf(bench, directory, plan), onProgress: (entry) => progress.push(entry) });
  const rows: RulesRun['rows'] = {};
  for (const table of manifest.tables) rows[table.table] = await rowsOf(bench, directory, table);
  const counts = Object.fromEntries(manifest.reports.map((report) => [report.table, report]));
  return { directory, manifest, rows, counts, progress };
};

/** One source `only` of rank 1 with one segment. */
export const oneSource = (table: string, rows: (string | null)[][]): SourceRows => ({ table, rank: 1, source: 'only', segments: [rows] });
