import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Engine } from '../engine/engine.ts';
import type { StageFolder } from '../folders.ts';
import { readManifest, writeManifest, type StageManifest } from './manifest.ts';

export type StageProgress = { table: string; rowCount: number; totalRowCount: number };

/** What a stage works with. `directory` is the run folder, absolute; `planHash` is the snapshot's. */
export type StageContext = {
  directory: string;
  plan: EffectivePlan;
  planHash: string;
  engine: Engine;
  signal: AbortSignal;
  onProgress: (progress: StageProgress) => void;
};

/**
 * Runs a stage into `<stage>.partial` and renames the folder to `<stage>` when its manifest is written, so that a stage is there
 * as a whole or not at all. What an earlier try left is removed first. Returns the manifest as it was written.
 */
export const runIntoFolder = async (
  directory: string,
  stage: StageFolder,
  work: (folder: string) => Promise<StageManifest>,
): Promise<StageManifest> => {
  const partial = join(directory, `${stage}.partial`);
  const final = join(directory, stage);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  const manifest = await work(partial);
  await writeManifest(partial, manifest);
  await rm(final, { recursive: true, force: true });
  await rename(partial, final);
  return (await readManifest(directory, stage)).manifest;
};
