// The members of an object, with the rows of one word put together.
import type { Members, Row } from './field.ts';

const together = (left: Row, right: Row): Row => ({
  ...left,
  ...(left.required || right.required ? { required: true as const } : {}),
  ...(left.members && right.members
    ? { members: { rows: [...left.members.rows, ...right.members.rows], choices: [...left.members.choices, ...right.members.choices] } }
    : {}),
});

/** The rows of an object, one a word. */
export const rowsOf = ({ rows }: Members): Row[] => {
  const byWord = new Map<string, Row>();
  for (const row of rows) {
    const known = byWord.get(row.word);
    byWord.set(row.word, known ? together(known, row) : row);
  }
  return [...byWord.values()];
};
