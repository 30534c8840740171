// Compares what came of a field case with what it expects.
import { isDeepStrictEqual } from 'node:util';
import type { Cell, Expectation, Refused, Report, Rows, Stage, Uploaded } from './field-case.ts';

/** The rows of a table in the Outbox, and as texts at its target where a published table can be read there. */
export type TableRows = { outbox: Cell[][]; target?: (string | null)[][] };

/** What came of a case. `requests`: those that the case's server got. `recollected`: content hashes of the tables of the published document. */
export type Outcome = { requests: number } & (
  | { at: Stage; reason: string; text: string }
  | {
      at: 'uploaded';
      tables: Record<string, TableRows>;
      reports: Record<string, Required<Report>>;
      version: string;
      hashes: Record<string, string>;
      recollected?: Record<string, string>;
    }
);

// What says that the service does not know what is wrong, whatever the case.
const NO_CAUSE = [/the engine refused a statement/i, /for a reason that the log/i, /\binternal\b/i, /\bcode [0-9A-Z]{5}\b/];

const shown = (value: unknown): string => JSON.stringify(value);

const isSaid = (word: string, text: string): boolean => {
  const [, pattern] = /^\/(.+)\/$/s.exec(word) ?? [];
  return pattern === undefined ? text.toLowerCase().includes(word.toLowerCase()) : new RegExp(pattern, 'i').test(text);
};

const asText = (cell: Cell): string | null => {
  if (cell === null) return null;
  return typeof cell === 'object' ? cell.number : String(cell);
};

/** What of `wanted` is not in `found`, rows of the same values counting as often as they occur. */
const without = (wanted: unknown[], found: unknown[]): unknown[] => {
  const left = [...found];
  return wanted.filter((row) => {
    const place = left.findIndex((other) => isDeepStrictEqual(row, other));
    if (place >= 0) left.splice(place, 1);
    return place < 0;
  });
};

const differentRows = (where: string, wanted: number | unknown[], found: unknown[]): string[] => {
  if (typeof wanted === 'number') return wanted === found.length ? [] : [`${where}: ${found.length} rows, not ${wanted}`];
  return [
    ...without(wanted, found).map((row) => `${where}: no row ${shown(row)}`),
    ...without(found, wanted).map((row) => `${where}: a row ${shown(row)}`),
  ];
};

const differentTable = (name: string, wanted: Rows, { outbox, target }: TableRows): string[] => [
  ...differentRows(`table ${name} in the Outbox`, wanted, outbox),
  ...(target === undefined
    ? []
    : differentRows(`table ${name} at the target`, typeof wanted === 'number' ? wanted : wanted.map((row) => row.map(asText)), target)),
];

const differentReport = (table: string, wanted: Report, found: Required<Report> | undefined): string[] =>
  Object.entries(wanted).flatMap(([key, value]) => {
    const counted = found?.[key as keyof Report];
    return isDeepStrictEqual(value, counted) ? [] : [`report of ${table}: ${key} is ${shown(counted)}, not ${shown(value)}`];
  });

const judgeUploaded = (wanted: Uploaded, found: Outcome): string[] => {
  if (found.at !== 'uploaded') return [`refused at ${found.at}: ${found.reason}: ${found.text}`];
  const { tables, reports, version, hashes, recollected } = found;
  const names = new Set([...Object.keys(wanted.uploaded), ...Object.keys(tables)]);
  return [
    ...[...names].flatMap((name) => {
      const [rows, own] = [wanted.uploaded[name], tables[name]];
      return rows === undefined || own === undefined
        ? [`table ${name} is ${own ? 'not expected' : 'missing'}`]
        : differentTable(name, rows, own);
    }),
    ...Object.entries(wanted.report ?? {}).flatMap(([table, report]) => differentReport(table, report, reports[table])),
    ...(wanted.version === undefined || wanted.version === version ? [] : [`version ${version}, not ${wanted.version}`]),
    ...(wanted.recollect && !isDeepStrictEqual(recollected, hashes)
      ? [`collected again: ${shown(recollected)}, not ${shown(hashes)}`]
      : []),
  ];
};

const judgeRefused = (wanted: Refused, found: Outcome): string[] => {
  if (found.at === 'uploaded') return [`uploaded, not refused at ${wanted.refusedAt}`];
  const { at, reason, text } = found;
  return [
    ...(at === wanted.refusedAt ? [] : [`refused at ${at}, not at ${wanted.refusedAt}: ${text}`]),
    ...(reason === wanted.reason ? [] : [`reason ${reason}, not ${wanted.reason}: ${text}`]),
    ...wanted.says.filter((word) => !isSaid(word, text)).map((word) => `"${word}" is not said: ${text}`),
    ...(wanted.neverSays ?? []).filter((word) => isSaid(word, text)).map((word) => `"${word}" is said: ${text}`),
    ...NO_CAUSE.filter((pattern) => pattern.test(text)).map((pattern) => `no cause (${pattern.source}): ${text}`),
  ];
};

/** What differs, a sentence each; empty where the case holds. */
export const judge = (wanted: Expectation, found: Outcome): string[] => [
  ...('uploaded' in wanted ? judgeUploaded(wanted, found) : judgeRefused(wanted, found)),
  ...(wanted.requests === undefined || wanted.requests === found.requests ? [] : [`${found.requests} requests, not ${wanted.requests}`]),
];
