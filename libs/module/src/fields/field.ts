// One field of the contract in a document: its words, and how its value is read and written. Values of one word each stand here.
import type { Words } from './words.ts';

/** A JSON object. */
export type Json = { [key: string]: unknown };

/** A JSON Schema. */
export type Schema = Record<string, unknown>;

/** The members of an object in a document. Of each list of `choices` exactly one word is given. */
export type Members = { rows: readonly Row[]; choices: readonly (readonly string[])[] };

/** A word of a document: everything that the schema, the context and the page say about it. */
export type Row = {
  word: string;
  meaning: string;
  /** What a value is, in words. */
  kind: string;
  /** The term of the JSON-LD context. */
  term: Json;
  /** The shape of a value without members of its own. */
  schema: Schema;
  example?: unknown;
  /** What holds where the word is left out, if that is neither nothing nor `false`. */
  fallback?: string;
  required?: true;
  /** Words that must be given with this one. */
  needs?: readonly string[];
  /** The word without which this one says nothing. */
  only?: string;
  /** An earlier word for another one, which is read and never written. */
  alias?: string;
  /** The shape of a value that stands for an object with one member. */
  short?: Schema;
  values?: Words<number>;
  /** The members of the object, or of each object of the list or of the map. */
  members?: Members;
  holds?: 'one' | 'list' | 'map';
};

/** What a table of fields says of a word beside its kind. */
export type About = {
  meaning: string;
  example?: unknown;
  /** A term of another vocabulary. */
  iri?: string;
  fallback?: string;
  required?: true;
  needs?: readonly string[];
  only?: string;
  /** The value is written even where it is the default. */
  always?: true;
};

/**
 * A field that reads values of type R and writes values of type W. `from` and `into` are the object that holds its words, `above` the
 * object around that, for the words that stand there.
 */
export type Part<R, W> = {
  rows: readonly Row[];
  above: readonly Row[];
  choices: readonly (readonly string[])[];
  /** The word whose presence says that the field is given. */
  mark: string;
  isPresent: (from: Json, above: Json) => boolean;
  read: (from: Json, above: Json) => R;
  write: (value: W, into: Json, above: Json) => void;
};

/** A field that reads what it writes. */
export type Field<V> = Part<V, V>;

/** A field for every member of a message of the contract: one that is missing, or one too many, does not compile. */
export type Fields<T> = { [K in keyof Required<T>]: Field<T[K]> };

/** Whether a value is its default, which is left out of documents. */
export const isDefault = (value: unknown): boolean =>
  value === undefined ||
  value === '' ||
  value === 0 ||
  value === false ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** What a row takes over from what is said of its word. */
export const rowOf = (word: string, about: About, rest: Pick<Row, 'kind' | 'schema'> & Partial<Row>, term: Json = {}): Row => {
  const { meaning, example, iri, fallback, required, needs, only } = about;
  return {
    word,
    meaning,
    term: { '@id': iri ?? `lethe:${word}`, ...term },
    ...(example === undefined ? {} : { example }),
    ...(fallback === undefined ? {} : { fallback }),
    ...(required ? { required } : {}),
    ...(needs ? { needs } : {}),
    ...(only === undefined ? {} : { only }),
    ...rest,
  };
};

/** A field of one word. `encode` may give undefined for what is left out. */
export const wordField = <V>(
  row: Row,
  always: boolean,
  decode: (value: unknown) => V,
  encode: (value: V) => unknown = (value) => value,
): Field<V> => ({
  rows: [row],
  above: [],
  choices: [],
  mark: row.word,
  isPresent: (from) => from[row.word] !== undefined,
  read: (from) => decode(from[row.word]),
  write: (value, into) => {
    const encoded = encode(value);
    if (always ? encoded !== undefined : !isDefault(encoded)) into[row.word] = encoded;
  },
});

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
const asNumber = (value: unknown): number => (typeof value === 'number' ? value : 0);
const asList = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);

const ordered = { '@container': '@list' };
// Free keys would vanish as terms; as JSON literals they are kept as they are.
export const jsonLiteral = { '@type': '@json' };

/** Limits of a text. */
type TextLimits = { kind?: string; minLength?: number; maxLength?: number; pattern?: string };

const textRow = (word: string, about: About & TextLimits): Row => {
  const { kind = 'text', minLength, maxLength, pattern } = about;
  const limits = Object.entries({ minLength, maxLength, pattern }).filter(([, limit]) => limit !== undefined);
  return rowOf(word, about, { kind, schema: { type: 'string', ...Object.fromEntries(limits) } });
};

/** A text; the empty one is left out. */
export const text = (word: string, about: About & TextLimits): Field<string> =>
  wordField(textRow(word, about), about.always === true, asText);

/** A text that may be absent. */
export const optionalText = (word: string, about: About & TextLimits): Field<string | undefined> =>
  wordField<string | undefined>(textRow(word, about), about.always === true, (value) => (typeof value === 'string' ? value : undefined));

/** What names of tables and columns look like. */
export const NAME_PATTERN = '^[A-Za-z][A-Za-z0-9_]{0,62}$';

const NAME = { kind: 'name', pattern: NAME_PATTERN };
const ID = { kind: 'id', pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' };

/** The name of a table or a column. */
export const name = (word: string, about: About): Field<string> => text(word, { ...NAME, ...about });

/** The id of a resource. */
export const id = (word: string, about: About): Field<string> => text(word, { ...ID, ...about });

/** true or false; false is left out. */
export const flag = (word: string, about: About): Field<boolean> =>
  wordField<boolean>(
    rowOf(word, about, { kind: 'true or false', schema: { type: 'boolean' } }),
    about.always === true,
    (value) => value === true,
  );

/** true or false, or neither. */
export const optionalFlag = (word: string, about: About): Field<boolean | undefined> =>
  wordField<boolean | undefined>(rowOf(word, about, { kind: 'true or false', schema: { type: 'boolean' } }), true, (value) =>
    typeof value === 'boolean' ? value : undefined,
  );

const INT32_MAX = 2_147_483_647;

const integerRow = (word: string, about: About & { min?: number; max?: number }): Row => {
  const { min = 0, max = INT32_MAX } = about;
  const kind = max === INT32_MAX ? `whole number from ${min}` : `whole number ${min} to ${max}`;
  return rowOf(word, about, { kind, schema: { type: 'integer', minimum: min, maximum: max } });
};

/** A whole number; 0 is left out. */
export const integer = (word: string, about: About & { min?: number; max?: number }): Field<number> =>
  wordField(integerRow(word, about), about.always === true, asNumber);

/** A whole number that may be absent; 0 is written. */
export const optionalInteger = (word: string, about: About & { min?: number; max?: number }): Field<number | undefined> =>
  wordField<number | undefined>(integerRow(word, about), true, (value) => (typeof value === 'number' ? value : undefined));

// Exact for the shares that a document may hold.
const decimal = (value: number): string => value.toFixed(12).replace(/\.?0+$/, '');

/** A share from 0 to 1, as a decimal text; 0 is left out. */
export const share = (word: string, about: About): Field<number> =>
  wordField(
    rowOf(word, about, { kind: 'decimal 0 to 1, as text', schema: { type: 'string', pattern: String.raw`^(?:0(?:\.\d+)?|1(?:\.0+)?)$` } }),
    about.always === true,
    (value) => Number(asText(value) || '0'),
    (value) => (value > 0 ? decimal(value) : undefined),
  );

/** A value of an enum. `absent` is what a missing word means. */
export const choice = <E extends number>(word: string, words: Words<E>, about: About & { absent?: E }): Field<E> =>
  wordField(
    // A row is of any enum, so its words are kept as those of numbers; a function over E has no such type.
    rowOf(word, about, { kind: 'word', schema: { enum: words.spellings }, values: words as unknown as Words<number> }),
    about.always === true,
    (value) => words.toValue(asText(value)) || (about.absent ?? words.toValue('')),
    words.toWord,
  );

const listRow = (word: string, about: About & { minItems?: number; uniqueItems?: true; ordered?: true }, items: Row): Row => {
  const limits = Object.entries({ minItems: about.minItems, uniqueItems: about.uniqueItems }).filter(([, limit]) => limit !== undefined);
  const schema = { type: 'array', items: items.schema, ...Object.fromEntries(limits) };
  const row = rowOf(word, about, { kind: `list of ${items.kind}s`, schema }, about.ordered ? ordered : {});
  return items.values ? { ...row, values: items.values } : row;
};

/** What a list of texts may say beside its items. `ordered`: its order has a meaning. */
type ListAbout = About & { minItems?: number; uniqueItems?: true; ordered?: true };

/** A list of texts; the empty one is left out. */
export const texts = (word: string, about: ListAbout): Field<string[]> =>
  wordField(listRow(word, about, textRow(word, { meaning: '' })), about.always === true, asList);

/** A list of whole numbers; the empty one is left out. */
export const integers = (word: string, about: ListAbout & { min: number; max: number }): Field<number[]> =>
  wordField<number[]>(listRow(word, about, integerRow(word, about)), false, (value) => (Array.isArray(value) ? (value as number[]) : []));

/** A list of names of columns. */
export const names = (word: string, about: ListAbout): Field<string[]> =>
  wordField(listRow(word, about, textRow(word, { meaning: '', ...NAME })), about.always === true, asList);

/** A list of values of an enum. */
export const choices = <E extends number>(word: string, words: Words<E>, about: ListAbout): Field<E[]> =>
  wordField(
    listRow(word, about, choice(word, words, about).rows[0] as Row),
    about.always === true,
    (value) => asList(value).map(words.toValue),
    (values) => values.map(words.toWord),
  );

/** Texts by free keys. */
export const textMap = (word: string, about: About): Field<{ [key: string]: string }> =>
  wordField(
    rowOf(word, about, { kind: 'texts by name', schema: { type: 'object', additionalProperties: { type: 'string' } } }, jsonLiteral),
    about.always === true,
    (value) => (value ?? {}) as { [key: string]: string },
  );
