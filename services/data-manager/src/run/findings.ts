// What anonymization found out about each table, for the gate and the report.
import type { LevelChoice } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILE = 'findings.json';

/** Of one table: rows in, rows suppressed, and what the search chose. */
export type Findings = { intoAnonymizing: number; suppressed: number; metric: string; loss: number; levels: LevelChoice[] };

/** Writes the findings into the stage's folder. */
export const writeFindings = (folder: string, findings: Record<string, Findings>): Promise<void> =>
  writeFile(join(folder, FILE), JSON.stringify(findings), { mode: 0o600 });

/** The findings of a run. */
export const readFindings = async (directory: string): Promise<Record<string, Findings>> =>
  JSON.parse(await readFile(join(directory, 'anonymize', FILE), 'utf8')) as Record<string, Findings>;
