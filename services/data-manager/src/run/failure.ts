// What an error means for a turn, and what the log may say of it.
import { isConnectionLost, isRetryable } from '@lethe/db/pg-errors';
import { framesOf } from '@lethe/contracts/frames';
import { shownState, meaningOf } from '../connectors/postgres/sqlstate.ts';
import { Defect } from '../domain/defect.ts';
import { RunError } from '../domain/run-error.ts';
import { EngineError } from '../engine/engine-error.ts';
import { codeOf } from '../domain/error-code.ts';
import { isSystemCode } from '../connectors/system-error.ts';

const MAX_FRAMES = 12;

/** Whether the service's own database could not be reached, or gave up a statement: it says nothing about the run, which goes on when it is back. */
export const isOwnDatabaseAway = (error: unknown): boolean => {
  if (error instanceof RunError) return false;
  return isConnectionLost(error) || isRetryable(error) || codeOf(error) === '57014';
};

// The code of a database's error is what its server sent.
const shownCode = (name: string, code: string): string => {
  if (meaningOf(code)) return shownState(code);
  return isSystemCode(code) || (name !== 'DatabaseError' && /^[A-Z]+_[A-Z_]+$/.test(code)) ? code : '';
};

/** What the log says of an error that is not in the catalogue: its class, its code and where it came from. Its text may quote values. */
export const logged = (error: unknown): { error: string; code: string; stack: string; defect?: string } => {
  const name = error instanceof Error ? error.constructor.name : typeof error;
  const known = { error: name, code: shownCode(name, codeOf(error)), stack: framesOf(error).slice(0, MAX_FRAMES).join('\n') };
  if (error instanceof EngineError) return { ...known, code: error.code, defect: error.detail };
  return error instanceof Defect ? { ...known, defect: error.message } : known;
};
