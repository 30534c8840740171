// EXTRACTING: every source of every table into csv segments.
import type { ProtocolEntry, ScriptBinding } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { parseScriptContent } from '@lethe/module/parse-script';
import { columnsOfSource, type SourcePlace } from '@lethe/module/source-place';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { placeOf, type DirectRead, type ResolvedConnection } from '../../connectors/connector.ts';
import { sourceOf } from '../../connectors/index.ts';
import type { ExecutionRow } from '../../store/tables.ts';
import type { RunDeps } from '../../deps.ts';
import { extractByScript } from './extract-script.ts';
import { withinLimits } from './source-limits.ts';
import type { ExtractManifest, ExtractSource } from '../stage-manifest.ts';
import { fetchScript, resolveConnection } from '../../connectors/resolve.ts';
import { writeStage, type StageContext } from '../stage.ts';
import { locating, stageError } from '../../domain/run-error.ts';
import { STAGE_FOLDERS } from '../../folders.ts';

const STAGE = STAGE_FOLDERS[RunState.EXTRACTING];

/** A source as it is read: declaratively, or by a script in SQL or TypeScript. */
type Plan = SourcePlace & { connectionId: string } & (
    { kind: 'direct'; read: DirectRead } | { kind: 'code'; language: string; content: string; parameters: Record<string, string> }
  );

const directCase = { TableRead: 'tableRead', FileRead: 'fileRead', HttpRead: 'httpRead' } as const;

const planScript = async (deps: RunDeps, row: ExecutionRow, context: StageContext, binding: ScriptBinding): Promise<Plan> => {
  const pinned = context.plan.scripts.find(
    ({ scriptId, version }) =>
      scriptId === binding.script?.scriptId && (binding.script.version === 0 || version === binding.script.version),
  );
  if (!pinned) throw stageError('SCRIPT_MISSING', { table: binding.table });
  const script = await fetchScript(deps, row, pinned, binding.table);
  const { table, rank, sourceColumns, connectionId } = binding;
  const base = { table, rank, sourceColumns, connectionId };
  const kind = script.readKind as keyof typeof directCase | '';
  if (kind === '') return { ...base, kind: 'code', language: script.language, content: script.content, parameters: binding.parameters };
  const parsed = parseScriptContent(kind, script.content);
  if ('violations' in parsed) throw stageError('SCRIPT_UNREADABLE', { table: binding.table });
  return { ...base, kind: 'direct', read: { $case: directCase[kind], value: parsed.message } as DirectRead };
};

/** A source with what is read there; scripts are fetched. */
export const planSource = (deps: RunDeps, row: ExecutionRow, context: StageContext, entry: ProtocolEntry): Promise<Plan> | Plan => {
  const { collect } = entry;
  if (!collect) throw stageError('SOURCE_EMPTY', { table: entry.table });
  if (collect.$case === 'script') return planScript(deps, row, context, collect.value);
  const { table, rank, sourceColumns } = entry;
  return { kind: 'direct', table, rank, sourceColumns, connectionId: collect.value.connectionId, read: collect };
};

/** A source that is read; `snapshot` is what the sources of its connection are read from. */
type SourceToRead = { folder: string; plan: Plan; connection: ResolvedConnection | undefined; snapshot: string | undefined };

const extractSource = async (
  deps: RunDeps,
  context: StageContext,
  { folder, plan, connection, snapshot }: SourceToRead,
): Promise<ExtractSource> => {
  const table = context.plan.tables.find(({ name }) => name === plan.table);
  if (!table) throw stageError('TABLE_UNKNOWN', { table: plan.table });
  let rowCount = 0;
  const shared = {
    table: plan.table,
    columns: columnsOfSource(table, plan),
    directory: folder,
    prefix: `${plan.table}-${plan.rank}-`,
    snapshot,
    onRows: (rows: number) => {
      rowCount += rows;
      context.onProgress({ table: plan.table, rowCount, totalRowCount: 0 });
    },
  };
  const written = await withinLimits(deps.config, { ...shared, signal: context.signal }, (guard) =>
    plan.kind === 'code'
      ? extractByScript(deps, plan, connection, { ...shared, ...guard })
      : sourceOf(connection ?? missingConnection(plan.table), deps.config).extract({ ...shared, ...guard, read: plan.read }),
  );
  const segments = written.map((segment) => ({ ...segment, path: `${STAGE}/${segment.path}` }));
  const { rank, connectionId, sourceColumns } = plan;
  const source = connectionId || `script ${rank}`;
  return { table: plan.table, rank, source, sourceName: connection?.name ?? '', sourceColumns, segments };
};

const missingConnection = (table: string): never => {
  throw stageError('CONNECTION_MISSING', { table });
};

const connectionOf = ({ collect }: ProtocolEntry): string => collect?.value.connectionId ?? '';

/** The sources of each connection one after the other, in the order in which the plan comes to the connections. */
const byConnection = (sources: readonly ProtocolEntry[]): [connectionId: string, own: ProtocolEntry[]][] => [
  ...Map.groupBy(sources, connectionOf),
];

/** Reads the sources of a connection. Where they are several, all of them see one state of a store that has such a thing: a parent and its child are both there, or neither. */
const extractConnection = async (
  deps: RunDeps,
  context: StageContext,
  { folder, plans, connection }: { folder: string; plans: readonly Plan[]; connection: ResolvedConnection | undefined },
): Promise<ExtractSource[]> => {
  const source = connection && plans.length > 1 ? sourceOf(connection, deps.config) : undefined;
  const snapshot = await source?.holdSnapshot?.(context.signal);
  const sources: ExtractSource[] = [];
  try {
    for (const plan of plans) {
      context.signal.throwIfAborted();
      const place = { ...(connection && placeOf(connection)), table: plan.table };
      sources.push(await locating(place, () => extractSource(deps, context, { folder, plan, connection, snapshot: snapshot?.id })));
    }
  } finally {
    await snapshot?.close();
  }
  return sources;
};

const extractInto = async (folder: string, deps: RunDeps, row: ExecutionRow, context: StageContext): Promise<ExtractManifest> => {
  const sources: ExtractSource[] = [];
  for (const [connectionId, entries] of byConnection(context.plan.sources)) {
    context.signal.throwIfAborted();
    const plans: Plan[] = [];
    for (const entry of entries) plans.push(await planSource(deps, row, context, entry));
    const connection = connectionId === '' ? undefined : await resolveConnection(deps, row, { connectionId, write: false });
    sources.push(...(await extractConnection(deps, context, { folder, plans, connection })));
  }
  return { stage: STAGE, planHash: context.planHash, sources };
};

/** Reads all sources. What is written is there as a whole or not at all. */
export const extract = (deps: RunDeps, row: ExecutionRow, context: StageContext): Promise<ExtractManifest> =>
  writeStage(context, STAGE, (folder) => extractInto(folder, deps, row, context));
