// When the stages of a run began and ended, and how many rows came out of each.
import type { RunState, StageReport } from '@lethe/contracts/gen/lethe/data/v1/execution';

/** The stages with one that begins. A stage that begins anew begins now. */
export const beginStage = (stages: readonly StageReport[], stage: RunState, startTime: Date): StageReport[] => [
  ...stages.filter((known) => known.stage !== stage),
  { stage, startTime, endTime: undefined, rowCount: 0n },
];

/** The stages with the one under way at its end; unchanged where none is. */
export const endStage = (stages: readonly StageReport[], endTime: Date, rowCount: bigint): StageReport[] =>
  stages.map((known, index) => (index === stages.length - 1 && known.endTime === undefined ? { ...known, endTime, rowCount } : known));
