// An error of the driver as one of the catalogue: by its SQLSTATE, or by what the driver itself says. Texts of the server may quote values.
import { RunError, stageError, toRunError as toOwnError } from '../../domain/run-error.ts';
import { codeOf } from '../../domain/error-code.ts';
import { isNetworkError, isSystemCode, tlsProblem } from '../system-error.ts';
import { meaningOf, shownState, type Meaning } from './sqlstate.ts';

// The driver's own errors, which have no code.
const DRIVER: readonly (readonly [text: RegExp, meaning: Meaning])[] = [
  [/^Connection terminated|is not queryable$|^timeout expired$/, { reason: 'POSTGRES_AWAY', problem: '' }],
  [/^SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be/, { reason: 'POSTGRES_PASSWORD_MISSING', problem: '' }],
  [/^The server does not support SSL/, { reason: 'POSTGRES_TLS', problem: 'it does not offer TLS' }],
  [/^There was an error establishing an SSL/, { reason: 'POSTGRES_TLS', problem: 'it and DataManager agree on no form of TLS' }],
];

const ofDriver = (error: unknown): Meaning | undefined => {
  const text = error instanceof Error ? error.message : '';
  return DRIVER.find(([pattern]) => pattern.test(text))?.[1];
};

const find = (error: unknown): Meaning & { code: string } => {
  const code = codeOf(error);
  const problem = tlsProblem(code);
  if (problem !== undefined) return { reason: 'POSTGRES_TLS', problem, code: '' };
  if (isNetworkError(error)) return { reason: 'POSTGRES_AWAY', problem: '', code };
  const state = meaningOf(code);
  if (state) return { ...state, code: shownState(code) };
  return { ...(ofDriver(error) ?? { reason: 'POSTGRES_PROTOCOL', problem: '' }), code: 'the connection was cut' };
};

/** A statement that was sent, and the part of it that a person wrote. */
export type Sent = { statement: string; content: string };

/** The line of the written part at which the server stopped; 0 = none. */
const lineOf = (error: unknown, sent: Sent | undefined): number => {
  const position = Number((error as { position?: unknown } | undefined)?.position);
  if (!sent || !Number.isInteger(position)) return 0;
  const before = sent.statement.slice(0, position - 1);
  const start = sent.statement.indexOf(sent.content);
  const isInside = start >= 0 && before.length >= start && before.length <= start + sent.content.length;
  return isInside ? before.slice(start).split('\n').length : 0;
};

/** An error of the driver as one of the catalogue. `sent` lets it say the line of a query. */
export const toRunError = (error: unknown, activity: string, sent?: Sent): RunError => {
  // What reads a server writes to this machine's disk: an error of files is none of the server's.
  if (error instanceof RunError || (isSystemCode(codeOf(error)) && !isNetworkError(error))) return toOwnError(error);
  const { reason, problem, code } = find(error);
  const line = lineOf(error, sent);
  const facts = { activity, problem, code, line, place: line > 0 ? ` (line ${line})` : '' };
  return stageError(reason, facts, error);
};
