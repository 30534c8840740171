// What an error means for a turn, and what the log may say of it.
import { isConnectionLost, isRetryable } from '@lethe/db/pg-errors';
import { Defect } from '../domain/defect.ts';
import { RunError } from '../domain/run-error.ts';

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
};

/** Whether the service's own database could not be reached, or gave up a statement: it says nothing about the run, which goes on when it is back. */
export const isOwnDatabaseAway = (error: unknown): boolean => {
  if (error instanceof RunError) return false;
  return isConnectionLost(error) || isRetryable(error) || codeOf(error) === '57014';
};

/** What the log says of an error that is not in the catalogue: its name, its code and where it came from. Its text may quote values. */
export const logged = (error: unknown): { error: string; code: string; frames: string[]; defect?: string } => {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at ')) : [];
  const known = { error: error instanceof Error ? error.name : typeof error, code: codeOf(error), frames };
  return error instanceof Defect ? { ...known, defect: error.message } : known;
};
