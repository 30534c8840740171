// References between the tables of a result: judged where it is stored, and again with the edits of both tables.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Engine } from '../engine/engine.ts';
import { judgeReference, orphanQuery } from '../privacy/gate.ts';
import { invariant } from '../domain/defect.ts';
import { stageError } from '../domain/run-error.ts';
import { STAGE_FOLDERS } from '../folders.ts';
import { readManifestIn } from './manifest.ts';

const STORE = STAGE_FOLDERS[RunState.STORING];

/** A key of the result: unchanged columns, or tokens of one domain. */
export type ResultReference = { table: string; columns: string[]; referencedTable: string; referencedColumns: string[] };

/** A primary key of the result: unchanged columns, or tokens. */
export type ResultKey = { table: string; columns: string[] };

/** What the manifest of a result says of its keys. */
export type ResultKeys = { keys: ResultKey[]; references: ResultReference[] };

/** The keys of a result in the Outbox, as its manifest has them. */
export const readKeys = async (outbox: string): Promise<ResultKeys> => {
  const { manifest } = await readManifestIn(outbox, STORE);
  // Results of the first release have no keys.
  const { keys = [], references } = manifest as Partial<ResultKeys>;
  if (references === undefined) throw stageError('MANIFEST_INVALID', { stage: STORE });
  return { keys, references };
};

/** The foreign keys of a result in the Outbox. */
export const readReferences = async (outbox: string): Promise<ResultReference[]> => (await readKeys(outbox)).references;

/** What does not hold, by the table that refers. `queries` return the rows of each table. */
export const brokenReferences = async (
  engine: Engine,
  references: readonly ResultReference[],
  queries: ReadonlyMap<string, string>,
): Promise<{ table: string; sentence: string }[]> => {
  const broken: { table: string; sentence: string }[] = [];
  for (const reference of references) {
    const query = queries.get(reference.table);
    const referencedQuery = queries.get(reference.referencedTable);
    invariant(query !== undefined && referencedQuery !== undefined, `table ${reference.table}: a key has no rows to be judged on`);
    const judged = { ...reference, query, referencedQuery };
    const { rows } = await engine.sql(orphanQuery(judged));
    const sentence = judgeReference(judged, Number(rows[0]?.[0] ?? Number.NaN));
    if (sentence !== undefined) broken.push({ table: reference.table, sentence });
  }
  return broken;
};
