// The labels of a column's leaves at each level: from a hierarchy, or by intervals, dates and prefixes.
import { DateUnit, type GeneralizedColumn, type Hierarchy } from '@lethe/contracts/gen/lethe/module/v1/anonymization';

/** The top of every hierarchy without a label of its own. */
export const ROOT = '*';

/** Something that a hierarchy cannot do; names and counts, never values. */
export class HierarchyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HierarchyError';
  }
}

/** A column's leaves (null = NULL) and what each is called at each level: `labels[level][leaf]`. Level 0 is the leaf itself. */
export type Labels = { column: string; leaves: (string | null)[]; labels: (string | null)[][] };

type Lift = { height: number; at: (value: string, level: number) => string };

const SCALE_DIGITS = 18;

/** Decimal text as an integer of 10^-18 units: intervals are exact for every number that a column can hold. */
const toUnits = (text: string): bigint => {
  const [, sign = '', whole = '0', part = '', exponent = '0'] = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const shift = SCALE_DIGITS + Number(exponent);
  const digits = `${whole}${part}`;
  const power = shift - part.length;
  const value = power >= 0 ? BigInt(digits) * 10n ** BigInt(power) : BigInt(digits) / 10n ** BigInt(-power);
  return sign === '-' ? -value : value;
};

const fromUnits = (units: bigint): string => {
  const sign = units < 0n ? '-' : '';
  const digits = String(units < 0n ? -units : units).padStart(SCALE_DIGITS + 1, '0');
  const part = digits.slice(-SCALE_DIGITS).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -SCALE_DIGITS)}${part === '' ? '' : `.${part}`}`;
};

const intervals = (scheme: { origin: string; width: string; factor: number; levels: number }): Lift => {
  const levels = scheme.levels || 1;
  const origin = toUnits(scheme.origin || '0');
  const widths = Array.from({ length: levels }, (_, index) => toUnits(scheme.width) * BigInt(scheme.factor || 2) ** BigInt(index));
  return {
    height: levels + 1,
    at: (value, level) => {
      const width = widths[level - 1];
      if (width === undefined) return ROOT;
      const offset = toUnits(value) - origin;
      const step = offset >= 0n ? offset / width : -((-offset + width - 1n) / width);
      const lower = origin + step * width;
      return `[${fromUnits(lower)}, ${fromUnits(lower + width)})`;
    },
  };
};

const cut = (value: string, unit: DateUnit): string => {
  const [, year = '', month = '', day = ''] = /^(-?\d+)-(\d\d)-(\d\d)/.exec(value) ?? [];
  switch (unit) {
    case DateUnit.DAY:
      return `${year}-${month}-${day}`;
    case DateUnit.MONTH:
      return `${year}-${month}`;
    case DateUnit.QUARTER:
      return `${year}-Q${Math.ceil(Number(month) / 3)}`;
    case DateUnit.YEAR:
      return year;
    case DateUnit.DECADE:
      return `${year.slice(0, -1)}0s`;
    case DateUnit.UNSPECIFIED:
      throw new HierarchyError('a date is cut to an unknown unit');
  }
};

const dates = (units: readonly DateUnit[]): Lift => ({
  height: units.length + 1,
  at: (value, level) => {
    const unit = units[level - 1];
    return unit === undefined ? ROOT : cut(value, unit);
  },
});

const prefix = ({ length, step }: { length: number; step: number }): Lift => {
  const hidden = step || 1;
  const height = Math.ceil(length / hidden);
  return {
    height,
    at: (value, level) =>
      level >= height
        ? ROOT
        : Array.from(value.padEnd(length))
            .slice(0, Math.max(0, length - level * hidden))
            .join('') + ROOT.repeat(level * hidden),
  };
};

/** The rows of a table hierarchy. Every value must have a row. */
const rowsOf = (hierarchy: Hierarchy): { height: number; byLeaf: Map<string, readonly string[]> } => {
  const height = (hierarchy.rows[0]?.levels.length ?? 1) - 1;
  const byLeaf = new Map<string, readonly string[]>();
  for (const { levels } of hierarchy.rows) {
    if (levels.length !== height + 1) throw new HierarchyError(`the rows of hierarchy ${hierarchy.name} have different numbers of levels`);
    if (byLeaf.has(levels[0] ?? '')) throw new HierarchyError(`a leaf of hierarchy ${hierarchy.name} occurs twice`);
    byLeaf.set(levels[0] ?? '', levels);
  }
  if (new Set(hierarchy.rows.map(({ levels }) => levels[height])).size > 1)
    throw new HierarchyError(`the hierarchy ${hierarchy.name} has more than one root`);
  return { height, byLeaf };
};

const schemeOf = (generalized: GeneralizedColumn): Lift => {
  const { scheme } = generalized;
  switch (scheme?.$case) {
    case 'intervals':
      return intervals(scheme.value);
    case 'dates':
      return dates(scheme.value.units);
    case 'prefix':
      return prefix(scheme.value);
    default:
      throw new HierarchyError(`column ${generalized.column} has no scheme`);
  }
};

/** NULL is a category of its own that reaches the root only at the top. */
const withNull = (labels: (string | null)[][], root: string): (string | null)[][] =>
  labels.map((level, index) => [...level, index === labels.length - 1 ? root : null]);

const fromHierarchy = (column: string, values: readonly (string | null)[], hierarchy: Hierarchy): Labels => {
  const { height, byLeaf } = rowsOf(hierarchy);
  const missing = values.filter((value) => value !== null && !byLeaf.has(value)).length;
  if (missing > 0) throw new HierarchyError(`${missing} distinct values of column ${column} have no leaf in hierarchy ${hierarchy.name}`);
  const rows = [...byLeaf.values()];
  const labels = Array.from({ length: height + 1 }, (_, level) => rows.map((row) => row[level] ?? ROOT));
  const leaves = rows.map((row) => row[0] ?? '');
  if (!values.includes(null)) return { column, leaves, labels };
  return { column, leaves: [...leaves, null], labels: withNull(labels, labels.at(-1)?.[0] ?? ROOT) };
};

const fromLift = (column: string, values: readonly (string | null)[], lift: Lift): Labels => {
  const leaves = values.filter((value) => value !== null);
  const labels = Array.from({ length: lift.height + 1 }, (_, level) =>
    leaves.map((value) => (level === 0 ? value : lift.at(value, level))),
  );
  if (!values.includes(null)) return { column, leaves, labels };
  return { column, leaves: [...leaves, null], labels: withNull(labels, ROOT) };
};

/**
 * The labels of a generalized column over its distinct values (canonical texts; null = NULL). Of a hierarchy the leaves are its rows, of intervals,
 * dates and prefixes the distinct values in the data.
 */
export const labelsOf = (generalized: GeneralizedColumn, values: readonly (string | null)[], hierarchies: readonly Hierarchy[]): Labels => {
  const { scheme, column } = generalized;
  if (scheme?.$case !== 'hierarchy') return fromLift(column, values, schemeOf(generalized));
  const hierarchy = hierarchies.find(({ name }) => name === scheme.value);
  if (!hierarchy) throw new HierarchyError(`there is no hierarchy ${scheme.value}`);
  return fromHierarchy(column, values, hierarchy);
};

/** A column that is not generalized: its distinct values, at one level. */
export const plainLabels = (column: string, values: readonly (string | null)[]): Labels => ({
  column,
  leaves: [...values],
  labels: [[...values]],
});
