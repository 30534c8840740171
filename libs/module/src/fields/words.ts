// The words of a document for the values of an enum, made from the enum itself: a new value has its word without another line.

/** How the words of an enum are written. New enums use `UpperCamel`; the others keep the words that documents already have. */
type Style = 'UpperCamel' | 'lowerCamel' | 'kebab';

/** The words of an enum. `spellings` is everything that is accepted: the words, and the names that proto JSON uses. */
export type Words<E extends number> = {
  /** Full name of the enum in the contract. */
  typeName: string;
  words: readonly string[];
  spellings: readonly string[];
  toWord: (value: E) => string | undefined;
  /** 0, the unspecified value, for what is no spelling. */
  toValue: (spelling: string) => E;
};

const upperCamel = (name: string): string =>
  name
    .split('_')
    .map((part) => `${part.charAt(0)}${part.slice(1).toLowerCase()}`)
    .join('');

const inStyle = (name: string, style: Style): string => {
  if (style === 'kebab') return name.toLowerCase().replaceAll('_', '-');
  const word = upperCamel(name);
  return style === 'UpperCamel' ? word : `${word.charAt(0).toLowerCase()}${word.slice(1)}`;
};

/** `EmptyStrategy` and `REPLACE_WITH` make `EMPTY_STRATEGY_REPLACE_WITH`. */
const protoName = (typeName: string, name: string): string => `${typeName.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}_${name}`;

/** The words of an enum of `lethe.module.v1`. `exceptions` are the words that the style would write differently. */
export const enumWords = <T extends Record<string, number>>(
  typeName: string,
  values: T,
  style: Style = 'UpperCamel',
  exceptions: Partial<Record<keyof T, string>> = {},
): Words<T[keyof T]> => {
  const names = (Object.keys(values) as (keyof T & string)[]).filter((name) => values[name] !== 0);
  const wordOf = (name: keyof T & string): string => exceptions[name] ?? inStyle(name, style);
  const bySpelling = new Map(
    names.flatMap((name) =>
      [wordOf(name), upperCamel(name), name, protoName(typeName, name)].map((spelling) => [spelling, values[name]] as const),
    ),
  );
  return {
    typeName: `lethe.module.v1.${typeName}`,
    words: names.map(wordOf),
    spellings: [...bySpelling.keys()],
    toWord: (value) => names.filter((name) => values[name] === value).map(wordOf)[0],
    toValue: (spelling) => bySpelling.get(spelling) ?? (0 as T[keyof T]),
  };
};
