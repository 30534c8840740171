// What a bench prints.

/** A figure beside its ceiling. `ratio` is figure by ceiling: of rates more is better, of times less. */
export type Line = { name: string; value: number; unit: string; ceilingName: string; ceiling: number; ratio: number };

/** The middle value; of an even number of values the mean of the two in the middle. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
};

/** What a figure is compared with. */
export type Ceiling = { name: string; values: readonly number[] };

/** A line of medians. */
export const lineOf = (name: string, unit: string, values: readonly number[], { name: ceilingName, values: ceilings }: Ceiling): Line => {
  const value = median(values);
  const ceiling = median(ceilings);
  return { name, value, unit, ceilingName, ceiling, ratio: value / ceiling };
};

const number = (value: number): string => {
  if (!Number.isFinite(value)) return '-';
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
};

/** Rows of cells in columns; numbers to the right. */
export const printColumns = (rows: string[][]): void => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const isNumber = (text: string): boolean => /^[\d.,-]+%?$/.test(text);
  for (const row of rows) {
    const cells = row.map((text, column) => (isNumber(text) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0)));
    process.stdout.write(`  ${cells.join('  ').trimEnd()}\n`);
  }
};

/** The table of a bench. */
export const printTable = (lines: readonly Line[]): void => {
  const head = ['what', 'figure', 'unit', 'ceiling', '', 'ratio'];
  const body = lines.map((line) => [
    line.name,
    number(line.value),
    line.unit,
    number(line.ceiling),
    line.ceilingName,
    Number.isFinite(line.ratio) ? line.ratio.toFixed(2) : '-',
  ]);
  process.stdout.write('\n');
  printColumns([head, ...body]);
};
