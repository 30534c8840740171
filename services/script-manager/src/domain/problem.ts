/** A problem of a script's content: a rule, a sentence without values, and where; line and column from 1, 0 = unknown. */
export type Problem = { pointer: string; rule: string; message: string; line: number; column: number };

/** Line and column, from 1, of a place in a text. */
export const positionAt = (text: string, index: number): { line: number; column: number } => {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};
