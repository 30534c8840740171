// Why a run cannot go on: the catalogue of run errors, as errors.
import { RUN_ERRORS } from '@lethe/contracts/gen/lethe/data/v1/run_errors';

/** A reason of the catalogue `lethe.data.v1.RunErrorReason`. */
export type RunReason = keyof typeof RUN_ERRORS;

type Placeholder<Sentence extends string> = Sentence extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholder<Rest> : never;

/** What the sentence of a reason names: tables, columns, connections, counts. Never a value of the data. */
export type RunFacts<Reason extends RunReason> = Record<Placeholder<(typeof RUN_ERRORS)[Reason]['sentence']>, string | number>;

// The facts may be left out where the sentence has none.
type FactArguments<Reason extends RunReason> = [keyof RunFacts<Reason>] extends [never]
  ? [facts?: Record<string, never>, cause?: unknown]
  : [facts: RunFacts<Reason>, cause?: unknown];

/** A failure that the catalogue knows. The message is its sentence. */
export class RunError extends Error {
  readonly reason: RunReason;

  constructor(reason: RunReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RunError';
    this.reason = reason;
  }

  /** The same may go through later. */
  get transient(): boolean {
    return RUN_ERRORS[this.reason].transient;
  }
}

/** The sentence of a reason with its facts. */
export const runSentence = <Reason extends RunReason>(reason: Reason, ...[facts]: FactArguments<Reason>): string =>
  RUN_ERRORS[reason].sentence.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    String((facts as Record<string, string | number> | undefined)?.[name] ?? ''),
  );

/** The error of a reason. A reason that the catalogue does not have, or a missing fact, does not compile. */
export const stageError = <Reason extends RunReason>(reason: Reason, ...args: FactArguments<Reason>): RunError =>
  new RunError(reason, runSentence(reason, ...args), args[1]);

/** Whatever a step threw, as an error of the catalogue. Nothing of the text of an unknown error is kept: it may quote values or paths. */
export const toRunError = (error: unknown): RunError => {
  if (error instanceof RunError) return error;
  const isDiskFull = (error as { code?: unknown } | undefined)?.code === 'ENOSPC';
  return isDiskFull ? stageError('DISK_FULL', {}, error) : stageError('INTERNAL', {}, error);
};
