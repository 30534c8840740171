// Why a run could not go on, and whether it may be tried again.
import { ConnectorError } from '../connectors/connector.ts';
import { ScriptError } from '../sandbox/sandbox.ts';

type FailureOptions = { transient?: boolean; refusal?: boolean; cause?: unknown };

/** A run's failure: a code and a sentence with names and counts, never a value. */
export class RunFailure extends Error {
  readonly code: string;
  /** The same may go through later. */
  readonly transient: boolean;
  /** An upload that is refused before anything was published: the run stays PREPARED. */
  readonly refusal: boolean;

  constructor(code: string, message: string, options: FailureOptions) {
    super(message, { cause: options.cause });
    this.name = 'RunFailure';
    this.code = code;
    this.transient = options.transient ?? false;
    this.refusal = options.refusal ?? false;
  }
}

const ENGINE_SENTENCES: Record<string, string> = {
  ENGINE_MEMORY: 'the engine needs more memory than it may use',
  ENGINE_DISK: 'the engine needs more disk than it may use',
  ENGINE_DIED: 'the engine process ended',
};

/** Whatever a stage threw, as a failure. Texts of unknown errors are not shown: they may quote values. */
export const toFailure = (error: unknown): RunFailure => {
  if (error instanceof RunFailure) return error;
  if (error instanceof ConnectorError) return new RunFailure(error.code, error.message, { transient: error.transient, cause: error });
  if (error instanceof ScriptError) {
    const line = error.line > 0 ? ` (line ${error.line})` : '';
    return new RunFailure(error.code, `${error.message}${line}`, { cause: error });
  }
  const code = (error as { code?: unknown } | undefined)?.code;
  if (typeof code === 'string' && code.startsWith('ENGINE_')) {
    const died = code === 'ENGINE_DIED';
    return new RunFailure(code, ENGINE_SENTENCES[code] ?? 'the engine refused a statement', { transient: died, cause: error });
  }
  if (code === 'ENOSPC') return new RunFailure('DISK_FULL', 'the disk is full', { transient: true, cause: error });
  // Errors of the plan and its stages name tables, columns and counts.
  if (error instanceof Error && (error.constructor === Error || error.constructor === RangeError))
    return new RunFailure('STAGE_FAILED', error.message, { cause: error });
  return new RunFailure('INTERNAL', 'the stage failed for a reason that the log of DataManager names', { cause: error });
};
