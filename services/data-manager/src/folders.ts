// Where a run's files are. Raw data lies in the run's own folder, which is removed when the run ends; results lie in the Outbox.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.ts';
import type { Stage } from './domain/execution.ts';

/** The folder of each stage's output, in the run's working folder. */
export const STAGE_FOLDERS = {
  [RunState.EXTRACTING]: 'extract',
  [RunState.APPLYING_RULES]: 'rules',
  [RunState.TRANSFORMING]: 'transform',
  [RunState.ANONYMIZING]: 'anonymize',
  [RunState.STORING]: 'store',
} as const satisfies Record<Stage, string>;

/** The name of a stage's folder. */
export type StageFolder = (typeof STAGE_FOLDERS)[Stage];

/** The run's working folder: raw data. */
export const runFolder = ({ dataFolder }: Config, runId: string): string => join(dataFolder, 'runs', runId);

/** Whether a name in a folder of runs is a run's id; anything else there belongs to nobody. */
export const isRunFolder = (name: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name);

/** Where the results of all runs are. */
export const outboxRoot = ({ dataFolder }: Config): string => join(dataFolder, 'outbox');

/** The run's results. */
export const outboxFolder = (config: Config, runId: string): string => join(outboxRoot(config), runId);

/** The digests of a published version's rows, that show whether rows were only added. */
export const digestFolder = ({ dataFolder }: Config, moduleId: string, version: string): string =>
  join(dataFolder, 'digests', moduleId, version);

/** Makes a folder that only we may enter. */
export const makeFolder = async (path: string): Promise<string> => {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
};

const epochOf = (name: string, prefix: string): bigint | undefined => {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d+$/.test(digits) ? BigInt(digits) : undefined;
};

/** Removes what is named `<prefix><epoch>` in a folder, of an epoch and of earlier ones: a worker never removes what a later one has. */
export const removeOlder = async (folder: string, prefix: string, epoch: bigint): Promise<void> => {
  for (const name of await readdir(folder)) {
    const found = epochOf(name, prefix);
    if (found !== undefined && found <= epoch) await rm(join(folder, name), { recursive: true, force: true });
  }
};

/** Removes a folder with everything in it. */
export const removeFolder = (path: string): Promise<void> => rm(path, { recursive: true, force: true });
