// Folders of a run under two workers: one that was taken for dead, and the one of the next epoch.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STAGE_FOLDERS } from '../folders.ts';
import type { ExtractManifest } from './stage-manifest.ts';
import { withWorkFolder, writeStage, type StageContext } from './stage.ts';

class Overtaken extends Error {}

const STAGE = STAGE_FOLDERS[RunState.EXTRACTING];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lethe-stage-'));
});
afterEach(() => rm(directory, { recursive: true }));

const manifest: ExtractManifest = { stage: STAGE, planHash: 'hash', sources: [] };

const worker = (epoch: bigint, isLate = false) =>
  ({
    directory,
    epoch,
    fence: async () => {
      if (isLate) throw new Overtaken();
    },
  }) as StageContext;

const writing = (text: string) => async (folder: string) => {
  await writeFile(join(folder, 'rows'), text);
  return manifest;
};

describe('a stage', () => {
  test('is renamed when it is complete, and leaves nothing else', async () => {
    await writeStage(worker(2n), STAGE, writing('own'));
    expect(await readdir(directory)).toEqual([STAGE]);
    expect(await readFile(join(directory, STAGE, 'rows'), 'utf8')).toBe('own');
  });

  test('of a worker that another has overtaken replaces nothing, and its own files go', async () => {
    await writeStage(worker(2n), STAGE, writing('of the later one'));
    await expect(writeStage(worker(1n, true), STAGE, writing('late'))).rejects.toThrow(Overtaken);
    expect(await readdir(directory)).toEqual([STAGE]);
    expect(await readFile(join(directory, STAGE, 'rows'), 'utf8')).toBe('of the later one');
  });

  test('removes what earlier workers left, and nothing of a later one', async () => {
    for (const epoch of [1, 3]) await mkdir(join(directory, `${STAGE}.partial.${epoch}`));
    await writeStage(worker(2n), STAGE, writing('own'));
    expect(await readdir(directory)).toEqual([STAGE, `${STAGE}.partial.3`]);
  });
});

test('two workers have work folders of their own, and each removes its own alone', async () => {
  await withWorkFolder(worker(2n), 'raw', async (later) => {
    await withWorkFolder(worker(1n), 'raw', async (earlier) => {
      expect(earlier).not.toBe(later);
    });
    expect(await readdir(directory)).toEqual(['raw.2']);
  });
  expect(await readdir(directory)).toEqual([]);
});
