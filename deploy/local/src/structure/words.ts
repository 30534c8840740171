// Words that a reader of the field does not expect, in code, comments, texts and pages.
import { matches, type Finding, type Rule } from './sources.ts';

// What stands for a plain word, as a part of a name too: what to say instead.
const INSTEAD: [word: RegExp, say: string][] = [
  [/answer(?:s|ed|ing)?/i, '"returns", "response", "responds", "fails with"'],
  [/doorbells?/i, '"wakes", "notifies"'],
  [/\bbur(?:y|ied|ies)\b/i, '"kept as a dead letter"'],
  [/keepers?(?![a-z])/i, '"lease"'],
];

/** Names, comments, texts and pages use plain words. */
export const plainWords: Rule = (sources) =>
  sources
    .filter(({ file }) => !file.startsWith('deploy/local/src/structure/'))
    .flatMap((source) =>
      INSTEAD.flatMap(([word, say]): Finding[] => matches(source, word, 'plain-words', ([found]) => `"${found}": say ${say}`)),
    );
