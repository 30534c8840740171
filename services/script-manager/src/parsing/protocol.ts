// What goes between ScriptManager and its parser process.
import type { Script_Language as Language, Script_Type as Type } from '@lethe/contracts/gen/lethe/script/v1/script';

/** The text of a script, with its type and language. */
export type ScriptText = { type: Type; language: Language; content: string };

/** A problem of a text: a rule, a sentence without values, and where, where that is known. */
export type ContentProblem = { pointer: string; rule: string; message: string; line?: number; column?: number };

/** What was found of a text; `readKind` is of declarative extractions alone. */
export type Checked = { readKind: string; problems: ContentProblem[] };

/** The child's response; it says nothing of an error but its class. */
export type CheckResponse = { checked: Checked } | { failure: string };
