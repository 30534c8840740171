import { VectorError } from './vector-error.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { countClasses, type ClassTable } from '../privacy/class-table.ts';
import { dimensionFromRows, encodeTexts, type Dimension } from '../privacy/hierarchy.ts';

export type ArxAbout = { table: string; attributeOrder: string[]; levels: number[] };

/** A folder's table as texts, a column each, and its hierarchies, read once. */
export type ArxFolder = { columns: Map<string, string[]>; rowCount: number; hierarchies: Map<string, string[][]> };

const readRows = async (path: string): Promise<string[][]> =>
  parse(await readFile(path, 'utf8'), { delimiter: ';', bom: true, relax_column_count: true, skip_empty_lines: true });

export const readArxFolder = async (folder: string, about: ArxAbout, names: readonly string[]): Promise<ArxFolder> => {
  const [header = [], ...rows] = await readRows(join(folder, `${about.table}.csv`));
  const columns = new Map(
    names.map((name): [string, string[]] => {
      const position = header.indexOf(name);
      if (position < 0) throw new VectorError(`The table ${about.table} has no column ${name}.`);
      return [name, rows.map((row) => row[position] ?? '')];
    }),
  );
  const hierarchies = new Map<string, string[][]>();
  for (const name of names) {
    const hierarchy = await readRows(join(folder, `${about.table}_hierarchy_${name}.csv`));
    const levelCount = about.levels[about.attributeOrder.indexOf(name)];
    if (levelCount !== undefined && hierarchy[0]?.length !== levelCount)
      throw new VectorError(`The hierarchy of ${name} has ${hierarchy[0]?.length ?? 0} levels; the file says ${levelCount}.`);
    hierarchies.set(name, hierarchy);
  }
  return { columns, rowCount: rows.length, hierarchies };
};

/** The class table of some columns, in their order; `copies` repeats every row. */
export const arxTable = (folder: ArxFolder, names: readonly string[], copies = 1): { dimensions: Dimension[]; table: ClassTable } => {
  const built = names.map((name) => {
    const text = dimensionFromRows(name, name, folder.hierarchies.get(name) ?? []);
    const codes = encodeTexts(text, folder.columns.get(name) ?? []);
    if (copies === 1) return { dimension: text.dimension, codes };
    const repeated = new Int32Array(codes.length * copies);
    for (let copy = 0; copy < copies; copy += 1) repeated.set(codes, copy * codes.length);
    return { dimension: text.dimension, codes: repeated };
  });
  const dimensions = built.map(({ dimension }) => dimension);
  const columns = built.map(({ codes }) => codes);
  return { dimensions, table: countClasses(dimensions, columns, folder.rowCount * copies) };
};
