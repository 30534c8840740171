// Where in a JSON text the value of a pointer stands.

const SPACE = /\s*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const SCALAR = /[^\s,\]}]+/y;

const match = (pattern: RegExp, text: string, index: number): string => {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? '';
};

const skipSpace = (text: string, index: number): number => index + match(SPACE, text, index).length;

/** The end of the value that begins at an index. */
const endOf = (text: string, start: number): number => {
  let index = start;
  let depth = 0;
  do {
    index = skipSpace(text, index);
    const character = text[index];
    if (character === undefined) return text.length;
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    if (character === '"') index += match(STRING, text, index).length || 1;
    else if ('{}[],:'.includes(character)) index += 1;
    else index += match(SCALAR, text, index).length || 1;
  } while (depth > 0);
  return index;
};

/** The start of a member's or an item's value in the value at an index; undefined where there is none. */
const childOf = (text: string, start: number, step: string): number | undefined => {
  const isObject = text[start] === '{';
  if (!isObject && text[start] !== '[') return undefined;
  let index = skipSpace(text, start + 1);
  for (let place = 0; index < text.length && text[index] !== '}' && text[index] !== ']'; place += 1) {
    let name = String(place);
    if (isObject) {
      const quoted = match(STRING, text, index);
      if (quoted === '') return undefined;
      name = JSON.parse(quoted) as string;
      index = skipSpace(text, skipSpace(text, index + quoted.length) + 1);
    }
    // Proto JSON takes a field by its own name too.
    if (name === step || name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) === step) return index;
    index = skipSpace(text, endOf(text, index));
    if (text[index] === ',') index = skipSpace(text, index + 1);
  }
  return undefined;
};

/** Line and column, from 1, of the value at a JSON pointer in a valid JSON text; of the innermost value above it where it is absent. */
export const placeOf = (text: string, pointer: string): { line: number; column: number } => {
  let index = skipSpace(text, 0);
  for (const step of pointer.split('/').slice(1)) {
    const child = childOf(text, index, step.replaceAll('~1', '/').replaceAll('~0', '~'));
    if (child === undefined) break;
    index = child;
  }
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};
