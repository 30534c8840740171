// Digests of a version's rows, that show whether rows were only added.
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../folders.ts';
import { openEngine, type Engine } from '../engine/engine.ts';
import { rowDigestSql } from '../outbox/content-hash.ts';
import { quoteLiteral } from '../plan/identifiers.ts';
import type { UploadSession } from './upload-session.ts';

/** Writes the sorted digests of a query's rows as Parquet, one column `digest`: with them `onlyAdditions` can compare versions later. */
export const writeDigests = async (engine: Engine, rowsQuery: string, columns: Column[], path: string): Promise<void> => {
  await engine.copyOut(`SELECT unhex(${rowDigestSql(columns)}) AS digest FROM (${rowsQuery}) ORDER BY digest`, path, 'parquet');
};

/** Whether every row of the base occurs in the other file at least as often. Undefined where the base's digests are not at hand. */
export const onlyAdditions = async (basePath: string, path: string, config: { engineMemoryMb: number }): Promise<boolean | undefined> => {
  if (!existsSync(basePath)) return undefined;
  // The engine sees one folder alone, so both files are put there.
  const directory = await mkdtemp(join(dirname(path), '.compare-'));
  try {
    await copyFile(basePath, join(directory, 'base.parquet'));
    await copyFile(path, join(directory, 'next.parquet'));
    const engine = await openEngine({ directory, memoryMb: config.engineMemoryMb });
    try {
      const digests = (name: string): string => `SELECT digest FROM read_parquet(${quoteLiteral(join(directory, name))})`;
      const { rows } = await engine.sql(`SELECT count(*) FROM (${digests('base.parquet')} EXCEPT ALL ${digests('next.parquet')})`);
      return rows[0]?.[0] === '0';
    } finally {
      await engine.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

/** Keeps the digests of a version's rows beside the Outbox. */
export const keepDigests = async (
  { row, fence }: UploadSession,
  folder: string,
  digests: { table: string; path: string }[],
): Promise<void> => {
  await makeFolder(folder);
  for (const { table, path } of digests) {
    const final = join(folder, `${table}.parquet`);
    const partial = `${final}.${row.epoch}.partial`;
    await copyFile(path, partial);
    await fence();
    await rename(partial, final);
  }
};
