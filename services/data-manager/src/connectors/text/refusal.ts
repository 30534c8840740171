// What the reader refuses: a reason of the catalogue and its facts, as they go from the child process to its parent.
import type { RunReason } from '../../domain/run-error.ts';

/** The reasons of the catalogue that are the reader's. */
export type TextReason =
  Extract<RunReason, `TEXT_${string}` | `CSV_${string}` | `JSON_${string}`> | 'COLUMN_MISSING' | 'NEXT_PAGE_TOO_LONG';

/** Names, lines, counts and limits; never a text of the input. */
export type TextFacts = Record<string, string | number>;

/** Something in the input is not as it must be. */
export class TextRefusal extends Error {
  readonly reason: TextReason;
  readonly facts: TextFacts;

  constructor(reason: TextReason, facts: TextFacts) {
    super(reason);
    this.name = 'TextRefusal';
    this.reason = reason;
    this.facts = facts;
  }
}
