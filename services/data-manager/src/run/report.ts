// What happened to the rows, from the manifests of the stages.
import { RunState, type TableReport } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { STAGE_FOLDERS } from '../folders.ts';
import { readManifest, type RuleCount, type TableCounts } from '../stages/stage-manifest.ts';
import type { StoredTable } from '../stages/store/store.ts';

const rules = (counts: RuleCount[]): TableReport['dropped'] => counts.map(({ rule, count }) => ({ rule, count: BigInt(count) }));

const toReport = (counts: TableCounts): TableReport => ({
  table: counts.table,
  read: counts.read.map(({ rank, source, sourceName, rowCount, sizeBytes }) => ({
    rank,
    source,
    sourceName,
    rowCount: BigInt(rowCount),
    sizeBytes: BigInt(sizeBytes),
  })),
  replaced: rules(counts.replaced),
  clamped: rules(counts.clamped),
  dropped: rules(counts.dropped),
  castFailed: rules(counts.castFailed),
  mergedCount: BigInt(counts.mergedCount),
  fellBackCount: BigInt(counts.fellBackCount),
  suppressedCount: BigInt(counts.suppressedCount),
  storedCount: BigInt(counts.storedCount),
  transformed: counts.transformed.map(({ scriptId, rank, inCount, outCount, addedCount, removedCount }) => ({
    scriptId,
    rank,
    inCount: BigInt(inCount),
    outCount: BigInt(outCount),
    addedCount: BigInt(addedCount),
    removedCount: BigInt(removedCount),
  })),
  noneReason: '',
});

const addRules = (first: TableReport['dropped'], second: TableReport['dropped']): TableReport['dropped'] => {
  const sums = new Map<string, bigint>();
  for (const { rule, count } of [...first, ...second]) sums.set(rule, (sums.get(rule) ?? 0n) + count);
  return [...sums].map(([rule, count]) => ({ rule, count }));
};

/** The counts of two stages of a table, kind by kind; `storedCount` is the later one's. */
const add = (first: TableReport, second: TableReport): TableReport => ({
  table: first.table,
  read: [...first.read, ...second.read],
  replaced: addRules(first.replaced, second.replaced),
  clamped: addRules(first.clamped, second.clamped),
  dropped: addRules(first.dropped, second.dropped),
  castFailed: addRules(first.castFailed, second.castFailed),
  mergedCount: first.mergedCount + second.mergedCount,
  fellBackCount: first.fellBackCount + second.fellBackCount,
  suppressedCount: first.suppressedCount + second.suppressedCount,
  storedCount: second.storedCount,
  transformed: [...first.transformed, ...second.transformed],
  noneReason: second.noneReason,
});

// TRANSFORMING counts on from the rules' counts, so that its manifest has both; ANONYMIZING begins its own.
const COUNTING_STAGES = [RunState.TRANSFORMING, RunState.ANONYMIZING] as const;

/** The reports of all tables, in the order of the plan. */
export const collectReports = async (directory: string, plan: EffectivePlan, stored: StoredTable[]): Promise<TableReport[]> => {
  const reports = new Map<string, TableReport>();
  for (const stage of COUNTING_STAGES)
    for (const counts of (await readManifest(directory, STAGE_FOLDERS[stage])).manifest.reports) {
      const known = reports.get(counts.table);
      reports.set(counts.table, known ? add(known, toReport(counts)) : toReport(counts));
    }
  for (const { table, rowCount } of stored) {
    const report = reports.get(table);
    if (!report) continue;
    report.storedCount = BigInt(rowCount);
    report.noneReason = plan.results.find(({ name }) => name === table)?.privacy?.noneReason ?? '';
  }
  const order = [...plan.tables, ...plan.results].map(({ name }) => name);
  return [...reports.values()].toSorted((left, right) => order.indexOf(left.table) - order.indexOf(right.table));
};
