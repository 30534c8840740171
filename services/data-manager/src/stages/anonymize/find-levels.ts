// Searches for levels in a process of its own.
import { spawnNode } from '@lethe/contracts/child';
import { fileURLToPath } from 'node:url';
import { stageError } from '../../domain/run-error.ts';
import type { LevelJob, LevelResponse, LevelResult } from './level-search.ts';

const CHILD = fileURLToPath(new URL('level-search-child.ts', import.meta.url));
const HEAP_MB = 512;

/** An error of the search that no catalogue has. */
class SearchFailure extends Error {
  override name = 'SearchFailure';
}

/** Searches for the levels of a table. The process ends with the search, with `signal`, or with its parent. */
export const findLevels = (
  job: LevelJob,
  { table, signal, onProgress }: { table: string; signal: AbortSignal; onProgress: (settledNodes: number, totalNodes: number) => void },
): Promise<LevelResult> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const child = spawnNode({ program: CHILD, heapMb: HEAP_MB });
    const kill = (): void => {
      child.kill('SIGKILL');
    };
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', kill);
      kill();
      settle();
    };
    signal.addEventListener('abort', kill);
    child.on('message', (response: LevelResponse) => {
      if ('progress' in response) onProgress(response.progress.settledNodes, response.progress.totalNodes);
      else if ('result' in response) end(() => resolve(response.result));
      else {
        const { code, frames } = response.failure;
        end(() => reject(Object.assign(new SearchFailure(), { code, stack: ['SearchFailure', ...frames].join('\n') })));
      }
    });
    // Without effect where the search has come to its end before.
    const died = (): void => end(() => reject(signal.aborted ? (signal.reason as Error) : stageError('SEARCH_ENDED', { table })));
    child.once('exit', died);
    child.once('error', died);
    child.send(job, (error) => {
      if (error !== null) died();
    });
  });
