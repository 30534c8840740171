// The gate over rows: their number, their hashes, and what the requirement says of them.
import { PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { PrivacyRequirement } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Engine } from '../engine/engine.ts';
import { gateQuery, judgeTable, type GateTable } from '../privacy/gate.ts';
import { contentHashOf, schemaHashOf } from './content-hash.ts';

export type Measured = { rowCount: number; contentHash: string; schemaHash: string; privacy: PrivacyResult };

/** The two numbers of the manifest that the gate reads beside the rows. */
export type GateBase = { intoAnonymizing: number; suppressed: number };

/** The same two of an entry that was measured before. */
export const gateBaseOf = ({ suppressionBaseCount, suppressedCount }: PrivacyResult): GateBase => ({
  intoAnonymizing: Number(suppressionBaseCount),
  suppressed: Number(suppressedCount),
});

/** What is measured: a query of `row_id` and the columns, and the requirement that must hold. */
export type RowsToMeasure = {
  rows: string;
  columns: Column[];
  requirement: PrivacyRequirement | undefined;
  base: GateBase;
  tokenLengths?: Readonly<Record<string, number>>;
};

/** Measures rows against a requirement, stored ones and those with edits. `privacy.violations` are the gate's sentences; empty = it holds. */
export const measureTable = async (
  engine: Engine,
  { rows, columns, requirement, base, tokenLengths }: RowsToMeasure,
): Promise<Measured> => {
  const gate: GateTable = {
    table: '',
    query: rows,
    columns,
    requirement,
    rowsIn: base.intoAnonymizing,
    suppressedCount: base.suppressed,
    ...(tokenLengths === undefined ? {} : { tokenLengths }),
  };
  const result = judgeTable(gate, (await engine.sql(gateQuery(gate))).rows[0] ?? []);
  const privacy = PrivacyResult.fromPartial({
    kRequired: result.requiredK,
    kAchieved: BigInt(result.smallestClass),
    classCount: BigInt(result.classCount),
    suppressedCount: BigInt(base.suppressed),
    suppressionBaseCount: BigInt(base.intoAnonymizing),
    suppressionLimit: requirement?.suppressionLimit ?? 0,
    violations: result.violations,
    noneReason: requirement?.noneReason ?? '',
  });
  return {
    rowCount: result.rowCount,
    contentHash: await contentHashOf(engine, rows, columns),
    schemaHash: schemaHashOf(columns),
    privacy,
  };
};
