import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Engine } from '../engine/engine.ts';
import { makeFolder, removeFolder, removeOlder, type StageFolder } from '../folders.ts';
import { readManifest, writeManifest, type ExtractManifest, type StageManifest } from './stage-manifest.ts';

export type StageProgress = { table: string; rowCount: number; totalRowCount: number };

/** Keeps values of a column with the number of their rows; nothing else of a stage leaves its folder. */
export type KeepMissingLeaves = (table: string, column: string, values: readonly { value: string; rowCount: bigint }[]) => Promise<void>;

/** What a stage works with. `directory` is the run folder, absolute; `planHash` is the snapshot's. */
export type StageContext = {
  directory: string;
  plan: EffectivePlan;
  planHash: string;
  engine: Engine;
  signal: AbortSignal;
  /** Of the worker: what it writes has the number in its name until it is complete. */
  epoch: bigint;
  /** Keeps the values of a column that have no leaf, for who may read rows. */
  keepMissingLeaves: KeepMissingLeaves;
  /** Throws where a worker of a later epoch has the run. */
  fence: () => Promise<void>;
  onProgress: (progress: StageProgress) => void;
};

type Turn = Pick<StageContext, 'directory' | 'epoch'>;

/** A folder in the run's that is this epoch's own. */
export const workFolder = ({ directory, epoch }: Turn, name: string): string => join(directory, `${name}.${epoch}`);

/** Runs work with an empty folder of this epoch's own, and removes it. What workers of earlier epochs left goes as well. */
export const withWorkFolder = async <R>(turn: Turn, name: string, work: (folder: string) => Promise<R>): Promise<R> => {
  await removeOlder(turn.directory, `${name}.`, turn.epoch);
  const folder = await makeFolder(workFolder(turn, name));
  try {
    return await work(folder);
  } finally {
    await removeFolder(folder);
  }
};

/**
 * Writes a stage's output into a folder of this epoch's own and renames it to `<stage>` when its manifest is written, so that a stage is there as a
 * whole or not at all. A worker of an earlier epoch renames nothing.
 */
export const writeStage = <M extends StageManifest | ExtractManifest>(
  context: StageContext,
  stage: StageFolder,
  work: (folder: string) => Promise<M>,
): Promise<M> =>
  withWorkFolder(context, `${stage}.partial`, async (folder) => {
    const manifest = await work(folder);
    await writeManifest(folder, manifest);
    const final = join(context.directory, stage);
    await context.fence();
    await removeFolder(final);
    await rename(folder, final);
    return manifest;
  });

/** As `writeStage`; returns the manifest as it was written. */
export const runIntoFolder = async (
  context: StageContext,
  stage: StageFolder,
  work: (folder: string) => Promise<StageManifest>,
): Promise<StageManifest> => {
  await writeStage(context, stage, work);
  return (await readManifest(context.directory, stage)).manifest;
};
