/** Something that breaks a rule: where (JSON pointer), which rule, a sentence with names and counts. Line and column from 1, where known. */
export type Violation = { pointer: string; rule: string; message: string; line?: number; column?: number };

/** Collects violations below a pointer. */
export type Report = (pointer: string, rule: string, message: string) => void;

/** A collector and what it has collected. */
export const collector = (): { report: Report; violations: Violation[] } => {
  const violations: Violation[] = [];
  return { violations, report: (pointer, rule, message) => void violations.push({ pointer, rule, message }) };
};
