import { stopwatch } from '@lethe/contracts/clock';
import { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { WatchRunRequest, WatchRunResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { isTerminal } from '@lethe/contracts/run-state';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deps } from '../app/deps.ts';
import { observeRun } from '../app/observe-run.ts';
import { findRun } from '../store/runs.ts';

const READ_EVERY_MS = 250;
const CHECKPOINT_MS = 15_000;

// The token is a digest of what was sent: a client that sends it back gets the present state only where it has changed.
const tokenOf = (run: Run): string => createHash('sha256').update(Run.encode(run).finish()).digest('base64url');

/** The present state, then each change, until a terminal state that nothing else is desired of. Reads the table and DataManager; the only state of a stream is its last token. */
export const watchRun = (deps: Deps) =>
  async function* (request: WatchRunRequest, ctx: CallContext): AsyncIterable<WatchRunResponse> {
    if (request.resumeToken !== '' && !/^[\w-]{43}$/.test(request.resumeToken)) throw fail('RESUME_TOKEN_INVALID');
    await loadVisible(ctx, 'run', findRun(deps.store.db, request.runId));
    ctx.runId = request.runId;
    let last = request.resumeToken;
    let sinceSentMs = stopwatch();
    while (!ctx.signal.aborted) {
      const row = await findRun(deps.store.db, request.runId);
      if (!row) return;
      const run = await observeRun(deps, ctx, row);
      const resumeToken = tokenOf(run);
      const checkpoint = resumeToken === last;
      const isOver = isTerminal(run.state) && !run.reconciling;
      if (!checkpoint || sinceSentMs() > CHECKPOINT_MS || isOver) {
        yield { run, resumeToken, checkpoint };
        sinceSentMs = stopwatch();
      }
      if (isOver) return;
      last = resumeToken;
      await sleep(READ_EVERY_MS, undefined, { signal: ctx.signal }).catch(() => {});
    }
  };
