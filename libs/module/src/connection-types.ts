// The types of connections, and what a document may ask of each. A record by type does not compile until a new type is in it.
import type { ProtocolEntry } from '@lethe/contracts/gen/lethe/module/v1/protocol';

/** The types of connections. */
export const CONNECTION_TYPES = ['postgres', 'file', 'http'] as const;

/** A type of connections. */
export type ConnectionType = (typeof CONNECTION_TYPES)[number];

/** A way of reading without code. */
export type ReadKind = Exclude<NonNullable<ProtocolEntry['collect']>['$case'], 'script'>;

/** A language of scripts that collect a table. */
export type ExtractionLanguage = 'SQL' | 'TYPESCRIPT';

/** `language`: of the scripts that run on such a connection. `writesFiles`: an upload leaves files there. */
type Abilities = { reads: ReadKind; language: ExtractionLanguage | undefined; writesFiles: boolean };

const ABILITIES: Record<ConnectionType, Abilities> = {
  postgres: { reads: 'tableRead', language: 'SQL', writesFiles: false },
  file: { reads: 'fileRead', language: undefined, writesFiles: true },
  http: { reads: 'httpRead', language: 'TYPESCRIPT', writesFiles: false },
};

/** The type that a word names; undefined where there is none. */
export const connectionType = (word: string): ConnectionType | undefined => CONNECTION_TYPES.find((type) => type === word);

const abilitiesOf = (word: string): Abilities | undefined => {
  const type = connectionType(word);
  return type && ABILITIES[type];
};

/** The types that take a kind of read, as a sentence names them. */
export const typesForRead = (kind: ReadKind): string => CONNECTION_TYPES.filter((type) => ABILITIES[type].reads === kind).join(' or ');

/** The types that scripts of a language run on, as a sentence names them. */
export const typesForLanguage = (language: ExtractionLanguage): string =>
  CONNECTION_TYPES.filter((type) => ABILITIES[type].language === language).join(' or ');

/** Whether a connection of the type takes a kind of read. */
export const takesRead = (type: string, kind: ReadKind): boolean => abilitiesOf(type)?.reads === kind;

/** Whether scripts of a language run on a connection of the type. */
export const takesScript = (type: string, language: ExtractionLanguage): boolean => abilitiesOf(type)?.language === language;

/** Whether an upload over a connection of the type leaves files. */
export const writesFiles = (type: string): boolean => abilitiesOf(type)?.writesFiles === true;
