/** Something wrong with a script's content: a rule, a sentence without values, and where; line and column from 1, 0 = unknown. */
export type Problem = { pointer: string; rule: string; message: string; line: number; column: number };
