/**
 * The process that searches for levels: it computes for as long as it takes, and leaves the event loop of DataManager to leases, commands and calls.
 * Started by `find-levels.ts` only.
 */
import { framesOf } from '@lethe/contracts/frames';
import { setPriority } from 'node:os';
import { codeOf } from '../../domain/error-code.ts';
import { searchLevels, type LevelJob, type LevelResponse } from './level-search.ts';

// Where the machine has too little time, the worker that holds the lease comes first.
const NICENESS = 10;
const PROGRESS_EVERY_MS = 200;

setPriority(NICENESS);

const send = (response: LevelResponse): void => {
  process.send?.(response);
};

process.once('message', (job: LevelJob) => {
  let toldMs = performance.now();
  searchLevels(job, (settledNodes, totalNodes) => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    send({ progress: { settledNodes, totalNodes } });
  }).then(
    (result) => send({ result }),
    // Of an unknown error only its code and where it came from.
    (error: unknown) => send({ failure: { code: codeOf(error), frames: framesOf(error) } }),
  );
});

process.on('disconnect', () => {
  process.kill(process.pid, 'SIGKILL');
});
