// Messages of the contract as objects of a document: whole, inside each other, in lists, and one of several.
import { jsonLiteral, rowOf, type About, type Field, type Fields, type Json, type Members, type Part, type Row } from './field.ts';

/** A message as members of an object. */
export type Shape<T> = {
  members: Members;
  /** Words that stand in the object around. */
  above: readonly Row[];
  fields: Fields<T>;
  read: (from: Json, above: Json) => T;
  write: (value: T, into: Json, above: Json) => void;
};

/** A message, with a field for each of its members, in the order in which they are written. */
export const shape = <T extends object>(fields: Fields<T>): Shape<T> => {
  const entries = Object.entries(fields) as [keyof T & string, Field<T[keyof T]>][];
  return {
    members: { rows: entries.flatMap(([, field]) => field.rows), choices: entries.flatMap(([, field]) => field.choices) },
    above: entries.flatMap(([, field]) => field.above),
    fields,
    read: (from, above) => Object.fromEntries(entries.map(([key, field]) => [key, field.read(from, above)])) as T,
    write: (value, into, above) => entries.forEach(([key, field]) => field.write(value[key], into, above)),
  };
};

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const objectAt = (from: Json, word: string): Json | undefined => (isObject(from[word]) ? from[word] : undefined);

/** A message whose words stand beside those of the message that holds it. It is given where one of the fields `by` is given. */
export const inline = <T extends object>(of: Shape<T>, ...by: (keyof T & string)[]): Field<T | undefined> => {
  const marks = by.map((key) => of.fields[key] as Field<unknown>);
  const isPresent = (from: Json, above: Json): boolean => marks.some((field) => field.isPresent(from, above));
  return {
    rows: of.members.rows,
    above: of.above,
    choices: of.members.choices,
    mark: marks[0]?.mark ?? '',
    isPresent,
    read: (from, above) => (isPresent(from, above) ? of.read(from, above) : undefined),
    write: (value, into, above) => {
      if (value) of.write(value, into, above);
    },
  };
};

/** What a member of an object is: one object, several in a list, or several by name; `term` is its term in the context. */
type Held = { members: Members; holds: 'one' | 'list' | 'map'; term?: Json };

const objectRow = (word: string, about: About, { members, holds, term = {} }: Held): Row =>
  rowOf(word, about, { kind: { one: 'object', list: 'list of objects', map: 'objects by name' }[holds], schema: {}, members, holds }, term);

/** A message as an object of its own. */
export const nested = <T extends object>(word: string, of: Shape<T>, about: About): Field<T | undefined> => ({
  rows: [...of.above, objectRow(word, about, { members: of.members, holds: 'one' })],
  above: [],
  choices: [],
  mark: word,
  isPresent: (from) => from[word] !== undefined,
  read: (from) => {
    const own = objectAt(from, word);
    return own && of.read(own, from);
  },
  write: (value, into) => {
    if (!value) return;
    const own: Json = {};
    of.write(value, own, into);
    if (about.always === true || Object.keys(own).length > 0) into[word] = own;
  },
});

/** A message as an object of its own, or as a text that stands for one of its members. */
export const nestedOrText = <T extends object>(word: string, of: Shape<T>, member: string, about: About): Field<T | undefined> => {
  const field = nested(word, of, about);
  const [row] = field.rows;
  return {
    ...field,
    rows: row ? [{ ...row, kind: 'text or object', short: { type: 'string', minLength: 1 } }] : [],
    read: (from, above) => field.read(typeof from[word] === 'string' ? { ...from, [word]: { [member]: from[word] } } : from, above),
  };
};

/** A list of messages. */
export const list = <T extends object>(
  word: string,
  of: Shape<T>,
  about: About & { minItems?: number; maxItems?: number; ordered?: true },
): Field<T[]> => {
  const { minItems, maxItems } = about;
  const row = objectRow(word, about, { members: of.members, holds: 'list', term: about.ordered ? { '@container': '@list' } : {} });
  const limits = Object.entries({ minItems, maxItems }).filter(([, limit]) => limit !== undefined);
  const writeOne = (value: T, into: Json): Json => {
    const own: Json = {};
    of.write(value, own, into);
    return own;
  };
  return {
    rows: [{ ...row, schema: Object.fromEntries(limits) }],
    above: [],
    choices: [],
    mark: word,
    isPresent: (from) => from[word] !== undefined,
    read: (from) => (Array.isArray(from[word]) ? (from[word] as Json[]) : []).map((own) => of.read(own, from)),
    write: (values, into) => {
      if (about.always === true || values.length > 0) into[word] = values.map((value) => writeOne(value, into));
    },
  };
};

/** Messages by free keys. */
export const map = <T extends object>(word: string, of: Shape<T>, about: About): Field<{ [key: string]: T }> => ({
  rows: [objectRow(word, about, { members: of.members, holds: 'map', term: jsonLiteral })],
  above: [],
  choices: [],
  mark: word,
  isPresent: (from) => from[word] !== undefined,
  read: (from) =>
    Object.fromEntries(Object.entries(objectAt(from, word) ?? {}).map(([key, own]) => [key, of.read(isObject(own) ? own : {}, from)])),
  write: (values, into) => {
    const entries = Object.entries(values).map(([key, value]) => {
      const own: Json = {};
      of.write(value, own, into);
      return [key, own] as const;
    });
    if (entries.length > 0) into[word] = Object.fromEntries(entries);
  },
});

/** A field whose words stand in an object of the document that is no message of its own. Several fields may share one. */
export const within = <V>(word: string, field: Field<V>, about: About): Field<V> => ({
  rows: [objectRow(word, about, { members: { rows: field.rows, choices: field.choices }, holds: 'one' })],
  above: [],
  choices: [],
  mark: word,
  isPresent: (from) => field.isPresent(objectAt(from, word) ?? {}, from),
  read: (from) => field.read(objectAt(from, word) ?? {}, from),
  write: (value, into) => {
    const own = objectAt(into, word) ?? {};
    field.write(value, own, into);
    if (Object.keys(own).length > 0) into[word] = own;
  },
});

/** A field whose words stand in the object around the message's own. */
export const outside = <V>(field: Field<V>): Field<V> => ({
  rows: [],
  above: field.rows,
  choices: [],
  mark: field.mark,
  isPresent: (_, above) => field.isPresent(above, {}),
  read: (_, above) => field.read(above, {}),
  write: (value, _, above) => field.write(value, above, {}),
});

type Choice = { $case: string; value: unknown };

/** A field for every case of a oneof. */
export type Cases<V extends Choice | undefined> = {
  [C in NonNullable<V>['$case']]: Part<Extract<V, { $case: C }>['value'] | undefined, Extract<V, { $case: C }>['value']>;
};

/** A oneof: exactly one of the cases is given. */
export const oneOf = <V extends Choice | undefined>(cases: Cases<V>): Field<V> => {
  const entries = Object.entries(cases) as [string, Field<unknown>][];
  return {
    rows: entries.flatMap(([, field]) => field.rows),
    above: entries.flatMap(([, field]) => field.above),
    choices: [entries.map(([, field]) => field.mark)],
    mark: entries[0]?.[1].mark ?? '',
    isPresent: (from, above) => entries.some(([, field]) => field.isPresent(from, above)),
    read: (from, above) => {
      const found = entries.find(([, field]) => field.isPresent(from, above));
      return (found && { $case: found[0], value: found[1].read(from, above) }) as V;
    },
    write: (value, into, above) => {
      if (value) (cases as Record<string, Field<unknown>>)[value.$case]?.write(value.value, into, above);
    },
  };
};

/** A repeated oneof message, each case at most once, as words beside each other. */
export const eachOf = <V extends Choice | undefined, T>(
  cases: Cases<V>,
  wrap: (of: NonNullable<V>) => T,
  unwrap: (of: T) => V,
): Field<T[]> => {
  const entries = Object.entries(cases) as [string, Field<unknown>][];
  return {
    rows: entries.flatMap(([, field]) => field.rows),
    above: [],
    choices: [],
    mark: entries[0]?.[1].mark ?? '',
    isPresent: (from, above) => entries.some(([, field]) => field.isPresent(from, above)),
    read: (from, above) =>
      entries
        .filter(([, field]) => field.isPresent(from, above))
        .map(([$case, field]) => wrap({ $case, value: field.read(from, above) } as NonNullable<V>)),
    write: (values, into, above) => {
      for (const value of values.map(unwrap))
        if (value) (cases as Record<string, Field<unknown>>)[value.$case]?.write(value.value, into, above);
    },
  };
};
