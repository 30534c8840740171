// TRANSFORMING with the sandbox of this machine and the scripts of ScriptManager.
import { readLineCount } from './line-count.ts';
import { SCRIPT_TIME_MS } from '../../sandbox/limits.ts';
import { runScript } from '../../sandbox/sandbox.ts';
import type { ExecutionRow } from '../../store/tables.ts';
import type { RunDeps } from '../../deps.ts';
import { fetchScript } from '../../connectors/resolve.ts';
import type { StageContext } from '../stage.ts';
import { transform, type RunScript } from './transform.ts';

/** Runs a script over NDJSON in the sandbox, without any network. */
export const sandboxRunner =
  (deps: Pick<RunDeps, 'isolation'>, seed: number): RunScript =>
  async (script, input, output, signal) => {
    const job = {
      content: script.content,
      mode: script.wholeTable ? ('table' as const) : ('row' as const),
      parameters: script.parameters,
      inputPath: input.path,
      outputPath: output.path,
      seed,
      nowMs: SCRIPT_TIME_MS,
    };
    await runScript(deps.isolation, job, signal);
    return { rowCount: await readLineCount(output.path) };
  };

/** Runs the transforms of a run. */
export const runTransforms = async (deps: RunDeps, row: ExecutionRow, context: StageContext): Promise<void> => {
  await transform({
    ...context,
    // 32 bits of the snapshot's hash: the same for every try of the run.
    runScript: sandboxRunner(deps, Number.parseInt(context.planHash.slice(0, 8), 16)),
    scriptContent: async (pinned, table) => (await fetchScript(deps, row, pinned, table)).content,
  });
};
