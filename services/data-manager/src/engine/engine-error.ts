import { foreignError, RunError } from '../domain/run-error.ts';
import type { EngineErrorCode, EngineFailure } from './protocol.ts';

/** A failure of the engine. `detail` is a fixed sentence too, never a text of the database's own, which quotes statements and values. */
export class EngineError extends RunError {
  readonly code: EngineErrorCode;
  readonly detail: string;
  /** The statement is a person's, who can correct it; a failure of any other is a defect. */
  readonly isOfScript: boolean;

  constructor({ code, message, line }: EngineFailure, isOfScript = false) {
    const problem = message.replace(/\.$/, '').replace(/^[A-Z](?![A-Z])/, (first) => first.toLowerCase());
    const { message: sentence, place } = foreignError(code, { problem, line, place: line > 0 ? ` (line ${line})` : '' });
    super(code, sentence, { place });
    this.name = 'EngineError';
    this.code = code;
    this.detail = message;
    this.isOfScript = isOfScript;
  }
}

export const engineError = (code: EngineErrorCode, detail: string): EngineError => new EngineError({ code, message: detail, line: 0 });

type Class = Pick<EngineFailure, 'code' | 'message'>;

const LOCKED: Class = { code: 'ENGINE_REFUSED', message: 'It asks for a file, a setting or an extension, which are locked.' };
const SUBJECT = /^(?:Catalog Error: (?<kind>Table|Scalar Function|Aggregate Function|Function|Macro|Type|Schema|Setting) )/;

const MISSING: Record<string, string> = {
  Table: 'It names a table that is not there.',
  'Scalar Function': 'It calls a function that is not there.',
  'Aggregate Function': 'It calls a function that is not there.',
  Function: 'It calls a function that is not there.',
  Macro: 'It calls a function that is not there.',
  Type: 'It names a type that is not there.',
  Schema: 'It names a schema that is not there.',
};

/** What DuckDB's errors mean, recognised by how a message begins; the first that fits counts. */
const CLASSES: readonly (readonly [prefix: string, failure: Class])[] = [
  ['INTERRUPT Error', { code: 'ENGINE_INTERRUPTED', message: 'The statement was interrupted.' }],
  ['Out of Memory Error', { code: 'ENGINE_MEMORY', message: 'The statement needs more memory than the engine may use.' }],
  ['Conversion Error', { code: 'ENGINE_CONVERSION', message: 'It cannot be converted to the type that the statement wants.' }],
  ['Out of Range Error', { code: 'ENGINE_CONVERSION', message: 'It is out of the range of its type.' }],
  ['Mismatch Type Error', { code: 'ENGINE_CONVERSION', message: 'It is of another type than the statement wants.' }],
  ['Decimal Error', { code: 'ENGINE_CONVERSION', message: 'It has more digits than its decimal type.' }],
  ['Divide by Zero Error', { code: 'ENGINE_CONVERSION', message: 'It is a zero by which is divided.' }],
  ['Invalid Input Error', { code: 'ENGINE_CONVERSION', message: 'It is no input that a function of the statement takes.' }],
  ['Permission Error', LOCKED],
  ['IO Error', { code: 'ENGINE_SQL', message: 'A file could not be read or written.' }],
  ['Parser Error', { code: 'ENGINE_SQL', message: 'It cannot be parsed.' }],
  ['Binder Error: Referenced column', { code: 'ENGINE_SQL', message: 'It names a column that is not there.' }],
  ['Binder Error: Referenced table', { code: 'ENGINE_SQL', message: 'It names a table that is not there.' }],
  ['Binder Error: Ambiguous reference', { code: 'ENGINE_SQL', message: 'It names a column that several tables have.' }],
  ['Binder Error: No function matches', { code: 'ENGINE_SQL', message: 'It calls a function with types that the function does not take.' }],
  ['Binder Error', { code: 'ENGINE_SQL', message: 'It names a column, or uses a type, that does not fit.' }],
  ['Catalog Error', { code: 'ENGINE_SQL', message: 'It names a table, view, function or setting that is not there.' }],
  ['Constraint Error', { code: 'ENGINE_SQL', message: 'Its rows break a constraint.' }],
  ['Not implemented Error', { code: 'ENGINE_SQL', message: 'It asks for something that the engine does not do.' }],
];

/** The line of the statement that an error points at; 0 = none. The engine writes it after the message, before the statement's text. */
const lineOf = (text: string): number => Number(/\n\nLINE (\d{1,6}): [^\n]*\n *\^$/.exec(text.trimEnd())?.[1] ?? 0);

/** Maps an error of DuckDB to a code and a fixed sentence; nothing of its text is kept but the number of a line. */
export const classifyDatabaseError = (error: unknown): EngineFailure => {
  const text = error instanceof Error ? error.message : '';
  const line = lineOf(text);
  // The engine's own limit is final; a disk that others fill too is not.
  if (text.includes('No space left')) return { code: 'DISK_FULL', message: 'The disk of DataManager is full.', line };
  if (text.includes('max_temp_directory_size'))
    return { code: 'ENGINE_DISK', message: 'The statement needs more disk space than the engine may use.', line };
  if (text.includes('configuration has been locked')) return { ...LOCKED, line };
  const kind = SUBJECT.exec(text)?.groups?.['kind'] ?? '';
  const missing = text.includes('does not exist') ? MISSING[kind] : undefined;
  if (missing !== undefined) return { code: 'ENGINE_SQL', message: missing, line };
  const known = CLASSES.find(([prefix]) => text.startsWith(prefix));
  return { ...(known?.[1] ?? { code: 'ENGINE_SQL', message: 'The engine names no reason that is known here.' }), line };
};
