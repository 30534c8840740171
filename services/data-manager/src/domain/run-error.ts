// Why a run cannot go on: the catalogue of run errors, as errors.
import type { RunErrorInfo, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { RUN_ERRORS } from '@lethe/contracts/gen/lethe/data/v1/run_errors';
import { codeOf } from './error-code.ts';

/** A reason of the catalogue `lethe.data.v1.RunErrorReason`. */
export type RunReason = keyof typeof RUN_ERRORS;

type Placeholder<Sentence extends string> = Sentence extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholder<Rest> : never;

/** What the sentence of a reason names: tables, columns, connections, counts. Never a value of the data. */
export type RunFacts<Reason extends RunReason> = Record<Placeholder<(typeof RUN_ERRORS)[Reason]['sentence']>, string | number>;

// The facts may be left out where the sentence has none.
type FactArguments<Reason extends RunReason> = [keyof RunFacts<Reason>] extends [never]
  ? [facts?: Record<string, never>, cause?: unknown]
  : [facts: RunFacts<Reason>, cause?: unknown];

/** Where it happened, as far as it is known: names of the plan and of its connections, lines and counts. */
export type RunPlace = Partial<Omit<RunErrorInfo, 'reason' | 'stage' | 'action'>>;

/** A failure that the catalogue knows. The message is its sentence. */
export class RunError extends Error {
  readonly reason: RunReason;
  #place: RunPlace;

  constructor(reason: RunReason, message: string, { cause, place = {} }: { cause?: unknown; place?: RunPlace } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RunError';
    this.reason = reason;
    this.#place = place;
  }

  /** The same may go through later. */
  get transient(): boolean {
    return RUN_ERRORS[this.reason].transient;
  }

  get place(): RunPlace {
    return this.#place;
  }

  /** Adds what a caller knows of the place; what is known already stays. */
  locate(place: RunPlace): this {
    this.#place = { ...place, ...this.#place };
    return this;
  }

  /** The sentence as people read it: before it stand the table and the connection where it does not name them. */
  get told(): string {
    const { table = '', connectionName = '' } = this.#place;
    const names = [...(table === '' ? [] : [['table', table]]), ...(connectionName === '' ? [] : [['connection', connectionName]])];
    const missing = names.filter(([, name = '']) => !this.message.includes(name)).map((each) => each.join(' '));
    return missing.length === 0 ? this.message : `${missing.join(', ').replace(/^./, (first) => first.toUpperCase())}: ${this.message}`;
  }
}

/** The sentence of a reason with its facts. */
export const runSentence = <Reason extends RunReason>(reason: Reason, ...[facts]: FactArguments<Reason>): string =>
  RUN_ERRORS[reason].sentence.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    String((facts as Record<string, string | number> | undefined)?.[name] ?? ''),
  );

/** The place that facts of a sentence name. */
const placeOf = (facts: Record<string, string | number>): RunPlace => {
  const text = (...names: string[]): string => String(names.map((name) => facts[name]).find((fact) => fact !== undefined) ?? '');
  const number = (name: string): bigint => BigInt(typeof facts[name] === 'number' ? Math.trunc(facts[name]) : 0);
  const place = {
    table: text('table'),
    column: text('column', 'columns'),
    object: text('object', 'path', 'file', 'hierarchy'),
    line: number('line'),
    count: number('count'),
  };
  return Object.fromEntries(Object.entries(place).filter(([, fact]) => fact !== '' && fact !== 0n));
};

/** The error of a reason. A reason that the catalogue does not have, or a missing fact, does not compile. */
export const stageError = <Reason extends RunReason>(reason: Reason, ...args: FactArguments<Reason>): RunError =>
  new RunError(reason, runSentence(reason, ...args), { cause: args[1], place: placeOf(args[0] ?? {}) });

/** The error of a reason whose facts come from another process, where the compiler has seen them. */
export const foreignError = (reason: RunReason, facts: Record<string, string | number>): RunError =>
  new RunError(reason, (runSentence as (reason: RunReason, facts: Record<string, string | number>) => string)(reason, facts), {
    place: placeOf(facts),
  });

/** Whatever a step threw, as an error of the catalogue. Nothing of the text of an unknown error is kept: it may quote values or paths. */
export const toRunError = (error: unknown): RunError => {
  if (error instanceof RunError) return error;
  const isDiskFull = ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
  return isDiskFull ? stageError('DISK_FULL', {}, error) : stageError('INTERNAL', {}, error);
};

/** Runs work; a failure of the catalogue that comes out of it says where it happened. */
export const locating = async <R>(place: RunPlace, work: () => Promise<R>): Promise<R> => {
  try {
    return await work();
  } catch (error) {
    throw error instanceof RunError ? error.locate(place) : error;
  }
};

/** A failure for programs: `Run.error_info`. */
export const runErrorInfo = (error: RunError, stage: RunState): RunErrorInfo => ({
  table: '',
  column: '',
  connectionId: '',
  connectionName: '',
  object: '',
  line: 0n,
  count: 0n,
  problems: [],
  ...error.place,
  reason: error.reason,
  stage,
  action: RUN_ERRORS[error.reason].action,
});
