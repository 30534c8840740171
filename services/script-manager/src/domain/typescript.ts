// What a TypeScript script may hold: one module without imports, that exports a function.
import { parse, type Node, type Program } from 'acorn';
import { simple } from 'acorn-walk';
import type { Problem } from './problem.ts';

type Positioned = Node & { loc?: { start: { line: number; column: number } } | null };

const at = (node: Positioned, rule: string, message: string): Problem => ({
  pointer: '',
  rule,
  message,
  line: node.loc?.start.line ?? 0,
  column: (node.loc?.start.column ?? -1) + 1,
});

const parseModule = (javascript: string): Program | Problem => {
  try {
    return parse(javascript, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  } catch (error) {
    const { loc } = error as { loc?: { line: number; column: number } };
    return {
      pointer: '',
      rule: 'SYNTAX',
      message: 'the script is not a TypeScript module',
      line: loc?.line ?? 0,
      column: (loc?.column ?? -1) + 1,
    };
  }
};

/**
 * Checks a script. `strip` removes the types and keeps every position (it throws where they cannot be removed). Imports of any form are refused: the
 * sandbox has nothing to import.
 */
export const checkTypeScript = (source: string, strip: (source: string) => string): Problem[] => {
  let javascript: string;
  try {
    javascript = strip(source);
  } catch {
    return [{ pointer: '', rule: 'SYNTAX', message: 'the script is not TypeScript whose types can be removed', line: 0, column: 0 }];
  }
  const program = parseModule(javascript);
  if (!('type' in program)) return [program];
  const problems: Problem[] = [];
  const refuse = (node: Node): void => void problems.push(at(node, 'IMPORT', 'imports are refused'));
  simple(program, {
    ImportDeclaration: refuse,
    ImportExpression: refuse,
    ExportAllDeclaration: refuse,
    ExportNamedDeclaration: (node) => {
      if (node.source) refuse(node);
    },
  });
  const exported = program.body.some(
    (node) =>
      node.type === 'ExportDefaultDeclaration' ||
      (node.type === 'ExportNamedDeclaration' && JSON.stringify(node).includes('"name":"transform"')),
  );
  if (!exported)
    problems.push({
      pointer: '',
      rule: 'EXPORT',
      message: 'the script exports neither a default function nor `transform`',
      line: 0,
      column: 0,
    });
  return problems;
};
