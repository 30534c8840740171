import { RunError, runSentence } from '../domain/run-error.ts';
import type { EngineErrorCode, EngineFailure } from './protocol.ts';

/** A failure of the engine. `detail` is a fixed sentence too, never a text of the database's own, which quotes statements and values. */
export class EngineError extends RunError {
  readonly code: EngineErrorCode;
  readonly detail: string;

  constructor(code: EngineErrorCode, detail: string) {
    super(code, runSentence(code));
    this.name = 'EngineError';
    this.code = code;
    this.detail = detail;
  }
}

export const engineError = (code: EngineErrorCode, detail: string): EngineError => new EngineError(code, detail);

const LOCKED: EngineFailure = { code: 'ENGINE_REFUSED', message: 'The statement wants something that is locked.' };

/** Classes of DuckDB's errors, recognised by how a message begins; the order matters only where one begins another. */
const CLASSES: readonly (readonly [prefix: string, failure: EngineFailure])[] = [
  ['INTERRUPT Error', { code: 'ENGINE_INTERRUPTED', message: 'The statement was interrupted.' }],
  ['Out of Memory Error', { code: 'ENGINE_MEMORY', message: 'The statement needs more memory than the engine may use.' }],
  ['Conversion Error', { code: 'ENGINE_CONVERSION', message: 'A value cannot be converted to the type that the statement wants.' }],
  ['Out of Range Error', { code: 'ENGINE_CONVERSION', message: 'A value is out of the range of its type.' }],
  ['Invalid Input Error', { code: 'ENGINE_CONVERSION', message: 'The statement met input that it cannot read.' }],
  ['Permission Error', LOCKED],
  ['IO Error', { code: 'ENGINE_SQL', message: 'A file could not be read or written.' }],
  ['Parser Error', { code: 'ENGINE_SQL', message: 'The statement cannot be parsed.' }],
  ['Binder Error', { code: 'ENGINE_SQL', message: 'The statement names a column, or uses a type, that does not fit.' }],
  ['Catalog Error', { code: 'ENGINE_SQL', message: 'The statement names a table, view, function or setting that does not exist.' }],
  ['Constraint Error', { code: 'ENGINE_SQL', message: 'The statement breaks a constraint.' }],
];

/** Maps an error of DuckDB to a code and a fixed sentence; nothing of its text is kept. */
export const classifyDatabaseError = (error: unknown): EngineFailure => {
  const text = error instanceof Error ? error.message : '';
  const full = text.includes('max_temp_directory_size') || text.includes('No space left');
  if (full) return { code: 'ENGINE_DISK', message: 'The statement needs more disk space than the engine may use.' };
  if (text.includes('configuration has been locked')) return LOCKED;
  const known = CLASSES.find(([prefix]) => text.startsWith(prefix));
  return known?.[1] ?? { code: 'ENGINE_SQL', message: 'The statement failed.' };
};
