/** The classes of a node: rows of each. */
export type ClassCounts = { rowCounts: Float64Array; classCount: number };

/** A privacy model: which classes violate it. Pure; knows counts only. */
export type PrivacyModel = {
  /** As in ARX's and the contract's names: `KAnonymity`. */
  name: string;
  /** For people: `k = 5`. */
  description: string;
  /**
   * True: a class that violates the model does so in every part of it, so that whoever splits classes never saves a row. Only such
   * models may prune a search.
   */
  isHereditary: boolean;
  violates: (classes: ClassCounts, index: number) => boolean;
};

/** Rows that may be suppressed: floor(limit × rows). The small addend takes back what a decimal limit loses as a double. */
export const suppressibleRows = (limit: number, rowCount: number): number => Math.min(rowCount, Math.floor(limit * rowCount + 1e-6));

export const violatesAny = (models: readonly PrivacyModel[], classes: ClassCounts, index: number): boolean =>
  models.some((model) => model.violates(classes, index));
