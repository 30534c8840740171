// Before the first row is read: every source and every target is opened and looked at, and everything that is wrong is told at once.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { UploadMode } from '@lethe/contracts/gen/lethe/module/v1/upload';
import type { ReadUse, Use, WriteUse } from '../connectors/connector.ts';
import { columnsOfSource } from '@lethe/module/source-place';
import { inspectConnection } from '../connectors/index.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import type { RunDeps } from '../deps.ts';
import { RunError, runErrorInfo, stageError, type RunPlace } from '../domain/run-error.ts';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { planSource } from '../stages/extract/extract.ts';
import type { StageContext } from '../stages/stage.ts';
import type { ExecutionRow } from '../store/tables.ts';

const SENTENCES = 20;

type Look = { connectionId: string; write: boolean; reads: ReadUse[]; writes: WriteUse[] };

/** A run before its first row: what will be read and written, by connection and direction, and what is wrong. */
type Preflight = { deps: RunDeps; row: ExecutionRow; context: StageContext; looks: Map<string, Look>; problems: RunError[] };

/** Collects what is wrong; what is no error of the catalogue is a defect, and ends the look. */
const gather = async (problems: RunError[], place: RunPlace, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    problems.push(error.locate(place));
  }
};

const lookFor = (looks: Map<string, Look>, connectionId: string, write: boolean): Look => {
  const key = `${connectionId}/${write ? 'write' : 'read'}`;
  const found = looks.get(key) ?? { connectionId, write, reads: [], writes: [] };
  looks.set(key, found);
  return found;
};

const plannedReads = async ({ deps, row, context, looks, problems }: Preflight): Promise<void> => {
  for (const entry of context.plan.sources)
    await gather(problems, { table: entry.table }, async () => {
      const source = await planSource(deps, row, context, entry);
      if (source.connectionId === '') return;
      const table = context.plan.tables.find(({ name }) => name === source.table);
      const columns = table ? columnsOfSource(table, source) : [];
      const look = lookFor(looks, source.connectionId, false);
      if (source.kind === 'direct') look.reads.push({ kind: 'direct', table: source.table, columns, read: source.read });
      else if (source.language === 'SQL')
        look.reads.push({ kind: 'query', table: source.table, columns, content: source.content, parameters: source.parameters });
    });
};

/** The native types that the columns of a result are to have at a target; what a step changes has another. */
const nativesOf = ({ results, steps }: EffectivePlan, table: string): { column: string; type: string }[] => {
  const changed = new Set(
    steps
      .filter((step) => step.table === table)
      .flatMap(({ operation }) =>
        operation?.$case === 'generalize' ? operation.value.columns.map(({ column }) => column) : (operation?.value.columns ?? []),
      ),
  );
  const columns = results.find(({ name }) => name === table)?.columns ?? [];
  return columns.flatMap(({ name, type }) =>
    type && type.native !== '' && !changed.has(name) ? [{ column: name, type: type.native }] : [],
  );
};

const plannedWrites = ({ context: { plan }, looks }: Preflight): void => {
  for (const { table, connectionId, schema, target, mode } of plan.uploads) {
    const replace = mode === UploadMode.REPLACE;
    lookFor(looks, connectionId, true).writes.push({ table, schema, target: target || table, replace, natives: nativesOf(plan, table) });
  }
};

const inspectAll = async ({ deps, row, context, looks, problems }: Preflight): Promise<void> => {
  await Promise.all(
    [...looks.values()].map(({ connectionId, write, reads, writes }) =>
      gather(problems, { connectionId }, async () => {
        const connection = await resolveConnection(deps, row, { connectionId, write });
        const use: Use = { moduleId: row.moduleId, collectedModuleId: context.plan.collectedModuleId, reads, writes };
        const { unreadable, unwritable } = await inspectConnection(connection, deps.config, use, context.signal);
        problems.push(...(write ? unwritable : unreadable));
      }),
    ),
  );
};

/** Tells all problems: the one there is by its own reason, several in one sentence each. A final one wins over those that may pass. */
const refuse = (problems: readonly RunError[]): void => {
  const [first] = problems;
  if (!first) return;
  const isFinal = problems.some(({ transient }) => !transient);
  const told = [...new Map(problems.map((problem) => [problem.told, problem])).values()];
  if (!isFinal || told.length === 1) throw first;
  const sentences = told.slice(0, SENTENCES).map(({ told: sentence }) => sentence);
  const infos = told.slice(0, SENTENCES).map((problem) => runErrorInfo(problem, RunState.EXTRACTING));
  throw stageError('PREFLIGHT_FAILED', { count: told.length, problems: sentences.join(' ') }).locate({ problems: infos });
};

/** Looks at all sources and targets of a run. */
export const preflight = async (deps: RunDeps, row: ExecutionRow, context: StageContext): Promise<void> => {
  const inspection: Preflight = { deps, row, context, looks: new Map(), problems: [] };
  await plannedReads(inspection);
  plannedWrites(inspection);
  await inspectAll(inspection);
  context.signal.throwIfAborted();
  refuse(inspection.problems);
};
