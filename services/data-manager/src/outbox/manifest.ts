// The manifest that says what a folder of rows holds.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stageError } from '../domain/run-error.ts';
import type { StageFolder } from '../folders.ts';

/** The manifest's name in its folder. */
export const MANIFEST = 'manifest.json';

const parsed = (text: string): { stage: string } | undefined => {
  try {
    return (JSON.parse(text) as { stage: string } | null) ?? undefined;
  } catch {
    return undefined;
  }
};

/** The manifest of a folder that a stage wrote: its text, and the members that it is known to have. Throws where it is missing, is cut, or is another stage's. */
export const readManifestIn = async (folder: string, stage: StageFolder): Promise<{ text: string; manifest: { stage: string } }> => {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((error: unknown) => {
    throw stageError('MANIFEST_MISSING', { stage }, error);
  });
  const manifest = parsed(text);
  if (manifest?.stage !== stage) throw stageError('MANIFEST_INVALID', { stage });
  return { text, manifest };
};
