// What is checked of an SQL script before the engine's parser gets it: one statement, and that a query.
import { positionAt, type Problem } from './problem.ts';

// Literals and comments keep their length, so that positions stay right.
const blank = (text: string): string =>
  text.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$\$[\s\S]*?\$\$/g, (match) => match.replaceAll(/[^\n]/g, ' '));

/** Refuses everything but one SELECT (or WITH … SELECT), with an optional `;` at its end. */
export const checkSql = (source: string): Problem[] => {
  const text = blank(source);
  const problems: Problem[] = [];
  const end = text.search(/;\s*\S/);
  if (end >= 0) problems.push({ pointer: '', rule: 'ONE_STATEMENT', message: 'a script is one statement', ...positionAt(text, end) });
  const first = /[A-Za-z(]\w*/.exec(text);
  if (!first || !/^(?:select|with|from|\()/i.test(first[0])) {
    problems.push({ pointer: '', rule: 'SELECT', message: 'a script is a SELECT', ...positionAt(text, first?.index ?? 0) });
  }
  return problems;
};
