/** What cannot happen unless the program is wrong. Its text is the program's own and holds no value; runs show INTERNAL in its place. */
export class Defect extends Error {
  override name = 'Defect';
}

/** The defect of a broken invariant, to be thrown. */
export const defect = (what: string): Defect => new Defect(what);

/** Throws a defect unless the condition holds. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw defect(what);
}
