// What a script may be written in, and how its versions follow each other.
import {
  Script_Language as Language,
  Script_Type as Type,
  ScriptVersion_State as State,
} from '@lethe/contracts/gen/lethe/script/v1/script';

const LANGUAGES: Partial<Record<Type, readonly Language[]>> = {
  [Type.EXTRACTION]: [Language.SQL, Language.TYPESCRIPT, Language.JSON],
  [Type.FIELD_RULES]: [Language.JSON],
  [Type.TRANSFORMATION]: [Language.SQL, Language.TYPESCRIPT],
  [Type.ANONYMIZATION]: [Language.JSON],
  [Type.UPLOADING]: [Language.JSON],
};

/** Whether a script of the type can be written in the language. */
export const isLanguageOf = (type: Type, language: Language): boolean => LANGUAGES[type]?.includes(language) ?? false;

/** Whether the script can be run on given rows: transforms, and extractions in SQL. */
export const isTestable = (type: Type, language: Language): boolean =>
  type === Type.TRANSFORMATION || (type === Type.EXTRACTION && language === Language.SQL);

/** Where an edit goes: into the draft at the head, or into a new version after a released head. */
export const editedVersion = (head: { number: number; state: State }): { number: number; replaces: boolean } =>
  head.state === State.DRAFT ? { number: head.number, replaces: true } : { number: head.number + 1, replaces: false };
