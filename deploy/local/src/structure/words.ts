// Words that a reader of the field does not expect, in comments and texts.
import { matches, type Finding, type Rule, type Source } from './sources.ts';

// What stands for a plain word: what to say instead. Identifiers are left to reviews.
const INSTEAD: [word: RegExp, say: string][] = [
  [/\banswers?\b|\banswered\b|\banswering\b/i, '"returns", "response", "responds", "fails with"'],
  [/\bdoorbells?\b/i, '"wakes", "notifies"'],
  [/\bbur(?:y|ied|ies)\b/i, '"kept as a dead letter"'],
  [/\bkeepers?\b/i, '"lease"'],
];

// A comment; code stays out.
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

const commentsOf = ({ file, text }: Source): Source => ({
  file,
  // Whatever is no comment becomes blanks, so that lines stay where they are.
  text: [...text.matchAll(COMMENT)].reduce(
    (blank, match) => blank.slice(0, match.index) + match[0] + blank.slice(match.index + match[0].length),
    text.replaceAll(/[^\n]/g, ' '),
  ),
});

/** Comments use plain words. */
export const plainWords: Rule = (sources) =>
  sources
    .filter(({ file }) => !file.startsWith('deploy/local/src/structure/'))
    .map(commentsOf)
    .flatMap((source) =>
      INSTEAD.flatMap(([word, say]): Finding[] => matches(source, word, 'plain-words', ([found]) => `"${found}": say ${say}`)),
    );
