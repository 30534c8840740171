/**
 * The table that a search works on. Columns are decided one after the other; a frame holds the rows that are distinct in what was
 * decided (`group`) and in the columns that are still open (`suffix`), so it shrinks the more columns are decided at a high level.
 */
import type { ClassTable } from './class-table.ts';
import { levelMap, type Dimension } from './hierarchy.ts';
import type { NodeState } from './metrics.ts';
import { violatesAny, type ClassCounts, type PrivacyModel } from './models/model.ts';
import { numberPairs } from './tuple-ids.ts';

/**
 * `order[depth]` is the dimension decided at that depth. A suffix of depth i stands for a tuple of the lowest levels of the columns from
 * depth i on: `heads[i][suffix]` is its first value, `tails[i][suffix]` its rest, a suffix of depth i + 1.
 */
export type Plan = {
  dimensions: readonly Dimension[];
  order: number[];
  heads: Int32Array[];
  tails: Int32Array[];
  suffixCounts: number[];
  /** `maps[depth][level - lowest]`: from the value at the lowest level to the value at the level. */
  maps: Int32Array[][];
};

export type Frame = {
  depth: number;
  group: Int32Array;
  suffix: Int32Array;
  weight: Int32Array;
  groupCount: number;
  /** How the groups came about; absent at the root. */
  origin?: { frame: Frame; groups: Int32Array; codes: Int32Array };
  levels: number[];
  suppressedCount: number;
  suppressedValues: Float64Array[];
};

/** A frame whose next column was tried at a level. `score` is exact when no column is open, else a lower bound. */
export type Split = {
  level: number;
  ids: Int32Array;
  groupCount: number;
  parentGroups: Int32Array;
  codes: Int32Array;
  isViolating: Uint8Array;
  state: NodeState;
};

/** A split and the classes that it makes. */
export type CountedSplit = { split: Split; classes: ClassCounts };

/** What of a split is computed: which models count, and whether violating rows leave the table for good. */
export type Rules = { models: readonly PrivacyModel[]; dropsRows: boolean; needsValues: boolean; needsSquares: boolean };

/** The most distinguishing columns come first: they show early that rows must be suppressed. */
const chooseOrder = (dimensions: readonly Dimension[]): number[] =>
  dimensions
    .map((_, index) => index)
    .toSorted((left, right) => {
      const a = dimensions[left]!;
      const b = dimensions[right]!;
      return b.sizes[b.lowest]! - a.sizes[a.lowest]! || left - right;
    });

/** Prepares a class table for a search, and gives the first frame, in which no column is decided. */
export const startPlan = (table: ClassTable, dimensions: readonly Dimension[]): { plan: Plan; root: Frame } => {
  const order = chooseOrder(dimensions);
  const maps = order.map((index) => {
    const dimension = dimensions[index]!;
    const levels = Array.from({ length: dimension.highest - dimension.lowest + 1 }, (_, offset) => dimension.lowest + offset);
    return levels.map((level) => levelMap(dimension, dimension.lowest, level));
  });
  const heads: Int32Array[] = [];
  const tails: Int32Array[] = [];
  const suffixCounts: number[] = [];
  suffixCounts[order.length] = 1;
  let suffix: Int32Array = new Int32Array(table.classCount);
  for (let depth = order.length - 1; depth >= 0; depth -= 1) {
    const dimension = dimensions[order[depth]!]!;
    const toLowest = levelMap(dimension, 0, dimension.lowest);
    const codes = table.codes[order[depth]!]!.map((code) => toLowest[code]!);
    const numbered = numberPairs({
      left: codes,
      right: suffix,
      length: table.classCount,
      leftSize: dimension.sizes[dimension.lowest]!,
      rightSize: suffixCounts[depth + 1]!,
    });
    heads[depth] = numbered.firsts.map((first) => codes[first]!);
    tails[depth] = numbered.firsts.map((first) => suffix[first]!);
    suffixCounts[depth] = numbered.count;
    suffix = numbered.ids;
  }
  const rowCount = suffixCounts[0] ?? 0;
  const weight = new Int32Array(rowCount);
  for (let row = 0; row < table.classCount; row += 1) weight[suffix[row]!]! += table.counts[row]!;
  const root: Frame = {
    depth: 0,
    group: new Int32Array(rowCount),
    suffix: Int32Array.from({ length: rowCount }, (_, row) => row),
    weight,
    groupCount: rowCount === 0 ? 0 : 1,
    levels: dimensions.map(({ lowest }) => lowest),
    suppressedCount: 0,
    suppressedValues: dimensions.map(({ sizes, lowest }) => new Float64Array(sizes[lowest]!)),
  };
  return { plan: { dimensions, order, heads, tails, suffixCounts, maps }, root };
};

const liftCounts = (counts: Float64Array, map: Int32Array, size: number): Float64Array => {
  const lifted = new Float64Array(size);
  for (let value = 0; value < counts.length; value += 1) lifted[map[value]!]! += counts[value]!;
  return lifted;
};

/** What is known of a level before the rows are looked at: the rows suppressed so far stay suppressed. */
export const tryLevel = (plan: Plan, frame: Frame, level: number, rules: Rules): NodeState => {
  const index = plan.order[frame.depth]!;
  const { sizes, lowest } = plan.dimensions[index]!;
  const map = plan.maps[frame.depth]![level - lowest]!;
  const lift = (counts: Float64Array): Float64Array => (rules.needsValues ? liftCounts(counts, map, sizes[level]!) : counts);
  return {
    levels: frame.levels.with(index, level),
    suppressedCount: frame.suppressedCount,
    suppressedValues: frame.suppressedValues.map((counts, dimension) => (dimension === index ? lift(counts) : counts)),
    keptClassCount: frame.group.length,
    keptSquares: 0,
    allSquares: 0,
  };
};

const addDecidedValues = (plan: Plan, frame: Frame, split: Split, rows: Float64Array): void => {
  const { suppressedValues } = split.state;
  for (let group = 0; group < split.groupCount; group += 1) {
    if (split.isViolating[group] === 0) continue;
    suppressedValues[plan.order[frame.depth]!]![split.codes[group]!]! += rows[group]!;
    let ancestor = split.parentGroups[group]!;
    let { origin, depth } = frame;
    while (origin !== undefined) {
      depth -= 1;
      suppressedValues[plan.order[depth]!]![origin.codes[ancestor]!]! += rows[group]!;
      ancestor = origin.groups[ancestor]!;
      origin = origin.frame.origin;
    }
  }
};

const addOpenValues = (plan: Plan, frame: Frame, split: Split): void => {
  const { suppressedValues } = split.state;
  for (let row = 0; row < split.ids.length; row += 1) {
    if (split.isViolating[split.ids[row]!] === 0) continue;
    let suffix = plan.tails[frame.depth]![frame.suffix[row]!]!;
    for (let depth = frame.depth + 1; depth < plan.order.length; depth += 1) {
      suppressedValues[plan.order[depth]!]![plan.heads[depth]![suffix]!]! += frame.weight[row]!;
      suffix = plan.tails[depth]![suffix]!;
    }
  }
};

/** Squares and class counts: exact when all columns are decided, else bounds by the rows, which no later split can join. */
const measureClasses = (plan: Plan, frame: Frame, { split, classes }: CountedSplit, needsSquares: boolean): void => {
  const { state, isViolating, ids } = split;
  const rows = classes.rowCounts;
  state.keptClassCount = 0;
  if (frame.depth + 1 === plan.order.length) {
    for (let group = 0; group < split.groupCount; group += 1) {
      const square = rows[group]! * rows[group]!;
      state.allSquares += square;
      if (isViolating[group] === 1) continue;
      state.keptClassCount += 1;
      state.keptSquares += square;
    }
    return;
  }
  if (!needsSquares) {
    state.keptClassCount = ids.length;
    return;
  }
  for (let row = 0; row < ids.length; row += 1) {
    const square = frame.weight[row]! * frame.weight[row]!;
    state.allSquares += square;
    if (isViolating[ids[row]!] === 1) continue;
    state.keptClassCount += 1;
    state.keptSquares += square;
  }
};

/** Groups the rows by the next column at its level in `state` and finds the groups that violate a model. Values and squares follow by `measureSplit`. */
export const splitFrame = (plan: Plan, frame: Frame, state: NodeState, rules: Rules): CountedSplit => {
  const { depth, group, suffix, weight } = frame;
  const dimension = plan.order[depth]!;
  const level = state.levels[dimension]!;
  const { sizes, lowest } = plan.dimensions[dimension]!;
  const map = plan.maps[depth]![level - lowest]!;
  const heads = plan.heads[depth]!;
  const rowCodes = new Int32Array(group.length);
  for (let row = 0; row < rowCodes.length; row += 1) rowCodes[row] = map[heads[suffix[row]!]!]!;
  const { ids, firsts, count } = numberPairs({
    left: group,
    right: rowCodes,
    length: group.length,
    leftSize: frame.groupCount,
    rightSize: sizes[level]!,
  });
  const rowCounts = new Float64Array(count);
  for (let row = 0; row < ids.length; row += 1) rowCounts[ids[row]!]! += weight[row]!;
  const classes = { rowCounts, classCount: count };
  const isViolating = new Uint8Array(count);
  const parentGroups = firsts.map((first) => group[first]!);
  const codes = firsts.map((first) => rowCodes[first]!);
  for (let index = 0; index < count; index += 1) {
    if (!violatesAny(rules.models, classes, index)) continue;
    isViolating[index] = 1;
    state.suppressedCount += rowCounts[index]!;
  }
  return { split: { level, ids, groupCount: count, parentGroups, codes, isViolating, state }, classes };
};

/** Completes the state of a split that stays within the limit. */
export const measureSplit = (plan: Plan, frame: Frame, counted: CountedSplit, rules: Rules): void => {
  const { split, classes } = counted;
  if (rules.needsValues && split.state.suppressedCount > frame.suppressedCount) {
    split.state.suppressedValues = split.state.suppressedValues.map((counts) => counts.slice());
    addDecidedValues(plan, frame, split, classes.rowCounts);
    if (frame.depth + 1 < plan.order.length) addOpenValues(plan, frame, split);
  }
  measureClasses(plan, frame, counted, rules.needsSquares);
};

/** The frame after a split: rows of violating groups leave where that is allowed, and rows that became equal are joined. */
export const descend = (plan: Plan, frame: Frame, split: Split, rules: Rules): Frame => {
  const drops = rules.dropsRows;
  const renumbered = new Int32Array(split.groupCount).fill(-1);
  let groupCount = 0;
  for (let group = 0; group < split.groupCount; group += 1) {
    if (drops && split.isViolating[group] === 1) continue;
    renumbered[group] = groupCount;
    groupCount += 1;
  }
  const groups = new Int32Array(frame.group.length);
  const suffixes = new Int32Array(frame.group.length);
  const weights = new Int32Array(frame.group.length);
  const tails = plan.tails[frame.depth]!;
  let length = 0;
  for (let row = 0; row < split.ids.length; row += 1) {
    const group = renumbered[split.ids[row]!]!;
    if (group < 0) continue;
    groups[length] = group;
    suffixes[length] = tails[frame.suffix[row]!]!;
    weights[length] = frame.weight[row]!;
    length += 1;
  }
  const joined = numberPairs({
    left: groups,
    right: suffixes,
    length,
    leftSize: groupCount,
    rightSize: plan.suffixCounts[frame.depth + 1]!,
  });
  const weight = new Int32Array(joined.count);
  for (let row = 0; row < length; row += 1) weight[joined.ids[row]!]! += weights[row]!;
  const kept = new Int32Array(groupCount);
  for (let group = 0; group < split.groupCount; group += 1) if (renumbered[group]! >= 0) kept[renumbered[group]!] = group;
  return {
    depth: frame.depth + 1,
    group: joined.firsts.map((first) => groups[first]!),
    suffix: joined.firsts.map((first) => suffixes[first]!),
    weight,
    groupCount,
    origin: { frame, groups: kept.map((group) => split.parentGroups[group]!), codes: kept.map((group) => split.codes[group]!) },
    levels: split.state.levels,
    suppressedCount: drops ? split.state.suppressedCount : 0,
    suppressedValues: drops ? split.state.suppressedValues : emptyValues(plan, split.state.levels),
  };
};

const emptyValues = (plan: Plan, levels: readonly number[]): Float64Array[] =>
  plan.dimensions.map(({ sizes }, index) => new Float64Array(sizes[levels[index]!]!));
