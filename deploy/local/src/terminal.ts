// What a person sees: servers with their times, the job's stages with a bar, the summary, lines to try. Plain lines without a terminal.
import type { RuleCount, TableReport } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { JobResult } from './job.ts';
import { stateName } from '@lethe/contracts/run-state';

const BAR_WIDTH = 24;
const NAME_WIDTH = 16;

const out = (text: string): void => void process.stdout.write(text);

/** Prints a line. */
export const line = (text = ''): void => out(`${text}\n`);

/** Prints a server that is up. */
export const server = (name: string, address: string, durationMs: number): void =>
  line(`  ${name.padEnd(NAME_WIDTH)}${address.padEnd(28)}${(durationMs / 1000).toFixed(2)} s`);

const bar = (share: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`;
};

const describe = (run: Run): string => {
  const { progress } = run;
  const share = progress && progress.totalRowCount > 0n ? Number(progress.rowCount) / Number(progress.totalRowCount) : 0;
  const rows =
    progress && progress.rowCount > 0n
      ? `${progress.rowCount} rows${progress.rowsPerSecond > 0 ? `, ${Math.round(progress.rowsPerSecond)}/s` : ''}`
      : '';
  return `${bar(share)} ${[rows, progress?.detail ?? '', run.waitingFor].filter(Boolean).join('  ')}`;
};

/** Shows a run's stages as they pass; a line a stage. */
export const stageLines = (): { show: (run: Run) => void; end: () => void } => {
  const live = process.stdout.isTTY;
  let state = '';
  let sinceMs = Date.now();
  const close = (): void => {
    if (state === '') return;
    const text = `  ${state.padEnd(NAME_WIDTH)}${bar(1)} ${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
    line(live ? `\r\u001b[K${text}` : text);
    state = '';
  };
  return {
    show: (run) => {
      const name = stateName(run.state);
      if (name !== state) {
        close();
        state = name;
        sinceMs = Date.now();
      }
      if (live) out(`\r\u001b[K  ${state.padEnd(NAME_WIDTH)}${describe(run)}`);
      else if (run.waitingFor !== '') line(`  ${state.padEnd(NAME_WIDTH)}waits for ${run.waitingFor}`);
    },
    end: close,
  };
};

const rules = (counts: RuleCount[]): string => counts.map(({ rule, count }) => `${rule} ${count}`).join(', ') || 'none';

const table = (report: TableReport): void => {
  line(`  ${report.table}`);
  line(`    read        ${report.read.map(({ rank, rowCount }) => `source ${rank}: ${rowCount}`).join(', ')}`);
  line(`    replaced    ${rules(report.replaced)}`);
  line(`    clamped     ${rules(report.clamped)}`);
  line(`    dropped     ${rules(report.dropped)}`);
  line(`    merged      ${report.mergedCount}, fell back ${report.fellBackCount}`);
  line(`    suppressed  ${report.suppressedCount}`);
  line(`    stored      ${report.storedCount}`);
};

/** Prints what the job came to. */
export const summary = (result: JobResult): void => {
  const { run, entry } = result;
  const { privacy } = entry;
  line();
  run.tables.forEach(table);
  line(
    `  privacy       k asked ${privacy?.kRequired}, achieved ${privacy?.kAchieved}; ${privacy?.classCount} classes; ${privacy?.suppressedCount} of ${privacy?.suppressionBaseCount} suppressed`,
  );
  line(`  levels        ${privacy?.levels.map(({ column, level, highestLevel }) => `${column} ${level}/${highestLevel}`).join(', ')}`);
  line(`  version       ${result.versionBefore || 'none'} → ${result.versionAfter}`);
  line(`  audit         ${result.auditCount} entries about this run`);
  line(`  time          ${(result.durationMs / 1000).toFixed(1)} s`);
};

/** The last line of a run with --once, for programs. */
export const machineLine = (result: JobResult): string => {
  const { run, entry } = result;
  const sum = (counts: RuleCount[][]): number => counts.flat().reduce((total, { count }) => total + Number(count), 0);
  return JSON.stringify({
    ok: true,
    runId: run.id,
    rowsRead: run.tables.flatMap(({ read }) => read).reduce((total, { rowCount }) => total + Number(rowCount), 0),
    replaced: sum(run.tables.map(({ replaced }) => replaced)),
    clamped: sum(run.tables.map(({ clamped }) => clamped)),
    dropped: sum(run.tables.map(({ dropped }) => dropped)),
    merged: run.tables.reduce((total, { mergedCount }) => total + Number(mergedCount), 0),
    fellBack: run.tables.reduce((total, { fellBackCount }) => total + Number(fellBackCount), 0),
    suppressed: Number(entry.privacy?.suppressedCount ?? 0n),
    rowsStored: Number(entry.rowCount),
    kRequired: entry.privacy?.kRequired,
    kAchieved: Number(entry.privacy?.kAchieved ?? 0n),
    classes: Number(entry.privacy?.classCount ?? 0n),
    contentHash: entry.contentHash,
    versionBefore: result.versionBefore,
    versionAfter: result.versionAfter,
    auditEntries: result.auditCount,
    durationMs: result.durationMs,
  });
};
