import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { csvLine } from '../../engine/csv-dialect.ts';
import { STAGE_FOLDERS } from '../../folders.ts';
import { writeManifest, type ExtractManifest, type ExtractSource } from '../stage-manifest.ts';

const STAGE = STAGE_FOLDERS[RunState.EXTRACTING];

/** Rows of one source of one table, segment by segment; each cell is a text or NULL. The rows have the columns of the table, or those that the source names. */
export type SourceRows = { table: string; rank: number; source: string; sourceColumns?: string[]; segments: (string | null)[][][] };

/** Writes rows that are in memory as extraction leaves them: csv segments and `extract/manifest.json` in the run folder. */
export const writeExtract = async (directory: string, planHash: string, rows: readonly SourceRows[]): Promise<ExtractManifest> => {
  await mkdir(join(directory, STAGE), { recursive: true, mode: 0o700 });
  const sources: ExtractSource[] = [];
  for (const { table, rank, source, sourceColumns = [], segments } of rows) {
    const entries: ExtractSource['segments'] = [];
    for (const [segment, lines] of segments.entries()) {
      const path = `${STAGE}/${table}-${rank}-${segment}.csv`;
      const text = lines.map(csvLine).join('');
      await writeFile(join(directory, path), text, { mode: 0o600 });
      entries.push({ segment, path, rowCount: lines.length, sizeBytes: Buffer.byteLength(text) });
    }
    sources.push({ table, rank, source, sourceName: '', sourceColumns, segments: entries });
  }
  const manifest: ExtractManifest = { stage: STAGE, planHash, sources };
  await writeManifest(join(directory, STAGE), manifest);
  return manifest;
};
