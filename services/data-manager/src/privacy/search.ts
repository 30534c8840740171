import { setImmediate } from 'node:timers/promises';
import type { ClassTable } from './class-table.ts';
import { evaluateNode } from './evaluate.ts';
import type { Dimension } from './hierarchy.ts';
import { compareVectors, latticeSize, levelSum, type Node } from './lattice.ts';
import type { Metric } from './metrics.ts';
import { suppressibleRows, type PrivacyModel } from './models/model.ts';
import { descend, measureSplit, splitFrame, startPlan, tryLevel, type Frame, type Plan, type Rules, type Split } from './refine.ts';

/** `settledNodes` of `totalNodes` are evaluated or excluded. */
export type SearchProgress = { settledNodes: number; totalNodes: number };

export type SearchOptions = {
  models: readonly PrivacyModel[];
  metric: Metric;
  /** Share of the rows that may be suppressed, 0 to 1; or the number of rows itself. */
  suppressionLimit: number | { rows: number };
  signal?: AbortSignal;
  onProgress?: (progress: SearchProgress) => void;
  /** Looks at every node that holds the models, so that they can be counted. */
  countFeasible?: boolean;
};

export type SearchResult = {
  node: Node;
  score: number[];
  suppressedCount: number;
  /** Nodes with this score, this one included. */
  tieCount: number;
  evaluatedCount: number;
  totalNodes: number;
  /** Present when asked for. */
  feasibleCount?: number;
};

type Best = { node: Node; score: number[]; rounded: number[]; suppressedCount: number };

/** A walk over the lattice that is under way, and what it has found so far. */
type Traversal = {
  plan: Plan;
  options: SearchOptions;
  allowedRows: number;
  inner: Rules;
  last: Rules;
  /** Nodes below one value of each depth. */
  subtreeSizes: number[];
  best: Best | undefined;
  tieCount: number;
  evaluatedCount: number;
  feasibleCount: number;
  settledNodes: number;
  /** Rows looked at since the last pause. */
  rowVisits: number;
};

/** Rows between two pauses: some tens of milliseconds. */
const ROWS_PER_TURN = 4_000_000;

/** Losses that differ by rounding alone are equal. */
const roundScore = (score: readonly number[]): number[] => score.map((value) => Number(value.toPrecision(12)));

/** The order of candidates: loss, suppressed rows, level sum, levels. */
const compareCandidates = (left: Best, right: Best): number =>
  compareVectors(left.rounded, right.rounded) ||
  left.suppressedCount - right.suppressedCount ||
  levelSum(left.node) - levelSum(right.node) ||
  compareVectors(left.node, right.node);

const cannotWin = (traversal: Traversal, score: readonly number[]): boolean => {
  if (traversal.best === undefined || traversal.options.countFeasible === true) return false;
  // The slack keeps a bound that is too high by rounding from excluding a tie.
  const lowered = score.map((value) => value - Math.abs(value) * 1e-11);
  return compareVectors(roundScore(lowered), traversal.best.rounded) > 0;
};

const offer = (traversal: Traversal, split: Split): void => {
  const score = traversal.options.metric.score(split.state, false);
  const found: Best = { node: split.state.levels, score, rounded: roundScore(score), suppressedCount: split.state.suppressedCount };
  traversal.feasibleCount += 1;
  const tie = traversal.best === undefined ? -1 : compareVectors(found.rounded, traversal.best.rounded);
  if (tie < 0) traversal.tieCount = 0;
  if (tie <= 0) traversal.tieCount += 1;
  if (traversal.best === undefined || compareCandidates(found, traversal.best) < 0) traversal.best = found;
};

type Tried = { split: Split; score: number[] };

/** Tries the next column at all its levels, most general first: once too many rows violate, they do at every lower level. */
const tryLevels = function* (traversal: Traversal, frame: Frame): Generator<void, Tried[]> {
  const { plan, options } = traversal;
  const isLast = frame.depth + 1 === plan.order.length;
  const rules = isLast ? traversal.last : traversal.inner;
  const canStop = rules.models.every(({ isHereditary }) => isHereditary);
  const { lowest, highest } = plan.dimensions[plan.order[frame.depth]!]!;
  const subtree = traversal.subtreeSizes[frame.depth + 1]!;
  const tried: Tried[] = [];
  for (let level = highest; level >= lowest; level -= 1) {
    const state = tryLevel(plan, frame, level, rules);
    if (cannotWin(traversal, options.metric.score(state, true))) {
      traversal.settledNodes += subtree;
      continue;
    }
    traversal.rowVisits += frame.group.length;
    if (traversal.rowVisits > ROWS_PER_TURN) yield;
    traversal.evaluatedCount += isLast ? 1 : 0;
    const counted = splitFrame(plan, frame, state, rules);
    if (state.suppressedCount > traversal.allowedRows) {
      traversal.settledNodes += canStop ? subtree * (level - lowest + 1) : subtree;
      if (canStop) break;
      continue;
    }
    measureSplit(plan, frame, counted, rules);
    if (isLast) {
      traversal.settledNodes += 1;
      offer(traversal, counted.split);
      continue;
    }
    tried.push({ split: counted.split, score: options.metric.score(state, true) });
  }
  return tried;
};

const explore = function* (traversal: Traversal, frame: Frame): Generator<void> {
  const tried = yield* tryLevels(traversal, frame);
  for (const { split, score } of tried.toSorted((left, right) => compareVectors(left.score, right.score))) {
    if (cannotWin(traversal, score)) {
      traversal.settledNodes += traversal.subtreeSizes[frame.depth + 1]!;
      continue;
    }
    traversal.rowVisits += frame.group.length;
    yield* explore(traversal, descend(traversal.plan, frame, split, traversal.inner));
  }
};

const allowedRows = (table: ClassTable, limit: SearchOptions['suppressionLimit']): number =>
  typeof limit === 'number' ? suppressibleRows(limit, table.rowCount) : limit.rows;

const startTraversal = (
  table: ClassTable,
  dimensions: readonly Dimension[],
  options: SearchOptions,
): { traversal: Traversal; root: Frame } => {
  const { plan, root } = startPlan(table, dimensions);
  const { metric, models } = options;
  const hereditary = models.filter(({ isHereditary }) => isHereditary);
  // A group that violates a hereditary model is suppressed in every node below, whatever the other models say of its parts.
  const dropsRows = !metric.needsSuppressedClasses;
  const shared = { dropsRows, needsValues: metric.needsSuppressedValues, needsSquares: metric.needsSquares };
  const subtreeSizes = Array.from({ length: plan.order.length + 1 }, (_, depth) =>
    latticeSize(plan.order.slice(depth).map((index) => dimensions[index]!)),
  );
  const traversal: Traversal = {
    plan,
    options,
    allowedRows: allowedRows(table, options.suppressionLimit),
    inner: { ...shared, models: hereditary },
    last: { ...shared, models },
    subtreeSizes,
    best: undefined,
    tieCount: 0,
    evaluatedCount: 0,
    feasibleCount: 0,
    settledNodes: 0,
    rowVisits: 0,
  };
  return { traversal, root };
};

/** Without a column to generalize there is one node: it holds the models or not. */
const searchNothing = (table: ClassTable, options: SearchOptions): SearchResult | undefined => {
  const { score, suppressedCount } = evaluateNode(table, [], options, []);
  if (suppressedCount > allowedRows(table, options.suppressionLimit)) return undefined;
  return { node: [], score, suppressedCount, tieCount: 1, evaluatedCount: 1, totalNodes: 1, feasibleCount: 1 };
};

/**
 * The optimal full-domain search: of the nodes whose violating rows are at most floor(limit × rows), the one of least loss; ties go to the
 * fewest suppressed rows, then the lowest sum of levels, then the levels in order. Returns undefined where no node holds the models.
 *
 * Branch and bound: columns are decided one after the other. What is suppressed once only some columns are told apart stays suppressed when
 * more are (hereditary models), so a part of the lattice is left out when too many rows are suppressed, or when its least loss is above the
 * best found. Models that are not hereditary are looked at in whole nodes only. Nothing is excluded by a guess: the result is the optimum.
 */
export const search = async (
  table: ClassTable,
  dimensions: readonly Dimension[],
  options: SearchOptions,
): Promise<SearchResult | undefined> => {
  options.signal?.throwIfAborted();
  if (dimensions.length === 0) return searchNothing(table, options);
  const { traversal, root } = startTraversal(table, dimensions, options);
  const totalNodes = traversal.subtreeSizes[0] ?? 1;
  const turns = explore(traversal, root);
  while (turns.next().done !== true) {
    traversal.rowVisits = 0;
    options.onProgress?.({ settledNodes: traversal.settledNodes, totalNodes });
    await setImmediate();
    options.signal?.throwIfAborted();
  }
  options.onProgress?.({ settledNodes: totalNodes, totalNodes });
  if (traversal.best === undefined) return undefined;
  const { node, score, suppressedCount } = traversal.best;
  const counted = options.countFeasible === true ? { feasibleCount: traversal.feasibleCount } : {};
  return { node, score, suppressedCount, tieCount: traversal.tieCount, evaluatedCount: traversal.evaluatedCount, totalNodes, ...counted };
};
