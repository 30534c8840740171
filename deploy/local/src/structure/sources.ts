// The sources that the structure rules look at, and what the rules say of them.
import { ROOT } from '@lethe/servers/repository';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A source file: its path from the root of the checkout, and its text. */
export type Source = { file: string; text: string };

/** A breach of a rule. */
export type Finding = { file: string; line: number; rule: string; text: string };

/** A rule over all sources. */
export type Rule = (sources: readonly Source[]) => Finding[];

const PATTERNS = [
  'libs/*/src/**/*.ts',
  'libs/*/test/**/*.ts',
  'services/*/src/**/*.ts',
  'services/*/test/**/*.ts',
  'deploy/local/src/**/*.ts',
  'e2e/**/*.ts',
  'bench/**/*.ts',
  'proto/lethe/**/*.proto',
  'docs/**/*.md',
  'services/*/README.md',
  '*.md',
];

/** Reads the sources of libraries, services, tests, the local stack and the contract, and the pages. */
export const readSources = (): Source[] =>
  globSync(PATTERNS, { cwd: ROOT, exclude: (name) => name === 'node_modules' })
    .toSorted()
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));

/** Whether a file holds tests or what only tests use. */
export const isTest = (file: string): boolean => /\.test\.ts$|\/test\//.test(file);

/** Where a pattern stands in a source. */
export const matches = ({ file, text }: Source, pattern: RegExp, rule: string, say: (match: RegExpExecArray) => string): Finding[] =>
  [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    rule,
    text: say(match),
  }));

/** An import: what is named between the quotes, and for a relative one the file that it means. */
export type Import = { specifier: string; target: string | undefined; line: number };

/** The imports of a source, those of types included. */
export const importsOf = ({ file, text }: Source): Import[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => {
    const specifier = match[1] ?? '';
    const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : undefined;
    return { specifier, target, line: text.slice(0, match.index).split('\n').length };
  });
