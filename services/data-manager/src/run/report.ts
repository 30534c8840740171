// What happened to the rows, from the manifests of the stages.
import type { TableReport } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { RuleCount, TableCounts } from '../stages/manifest.ts';
import { readManifest } from '../stages/manifest.ts';
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
});

const merge = (reports: Map<string, TableReport>, counts: TableCounts, stage: string): void => {
  const report = toReport(counts);
  const known = reports.get(counts.table);
  if (!known) {
    reports.set(counts.table, report);
    return;
  }
  known.transformed = [...known.transformed, ...report.transformed];
  known.suppressedCount += report.suppressedCount;
  // The report of TRANSFORMING is that of the rules with the scripts' counts.
  if (stage !== 'anonymize') return;
  known.replaced = [...known.replaced, ...report.replaced];
  for (const { rule, count } of report.dropped) {
    const same = known.dropped.find((entry) => entry.rule === rule);
    if (same) same.count += count;
    else known.dropped.push({ rule, count });
  }
};

/** The reports of all tables, in the order in which they were collected. */
export const collectReports = async (directory: string, plan: EffectivePlan, stored: StoredTable[]): Promise<TableReport[]> => {
  const reports = new Map<string, TableReport>();
  for (const stage of ['rules', 'transform', 'anonymize'])
    for (const counts of (await readManifest(directory, stage)).manifest.reports) merge(reports, counts, stage);
  for (const { table, rowCount } of stored) {
    const report = reports.get(table);
    if (report) report.storedCount = BigInt(rowCount);
  }
  const order = [...plan.tables, ...plan.results].map(({ name }) => name);
  return [...reports.values()].toSorted((left, right) => order.indexOf(left.table) - order.indexOf(right.table));
};
