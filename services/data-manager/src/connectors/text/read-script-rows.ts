// What the rows of a script must be beyond JSON, counted to their end.
import { findInRow, type JsonRow, type JsonType } from './json-text.ts';
import type { ScriptCounts, ScriptRules, TextColumn } from './protocol.ts';

/** Nothing was wrong. */
export const NO_COUNTS: ScriptCounts = { strange: 0, undeclared: 0, dropped: 0, bad: [] };

/** Looks at the rows of a script. */
export class ScriptRows {
  readonly counts: ScriptCounts;
  readonly #rules: ScriptRules;
  readonly #declared: ReadonlySet<string>;

  constructor(rules: ScriptRules, columns: readonly TextColumn[]) {
    this.#rules = rules;
    this.#declared = new Set([...columns.map(({ name }) => name), rules.dropped]);
    this.counts = { strange: 0, undeclared: 0, dropped: 0, bad: columns.map(() => 0) };
  }

  /** Whether a value is one that has a row of its own. */
  takes(row: JsonRow | undefined): boolean {
    if (!row || row.isArray) {
      this.counts.strange += 1;
      return false;
    }
    if ([...row.members.keys()].some((name) => !this.#declared.has(name))) this.counts.undeclared += 1;
    if (findInRow(row, [this.#rules.dropped]).kind === 'missing') return true;
    this.counts.dropped += 1;
    return false;
  }

  /** Whether a column takes values of a type: a number for a text, say, is refused rather than guessed. */
  takesType(index: number, type: JsonType): boolean {
    if (type === 'null' || this.#rules.types[index]?.includes(type) === true) return true;
    this.counts.bad[index] = (this.counts.bad[index] ?? 0) + 1;
    return false;
  }
}
