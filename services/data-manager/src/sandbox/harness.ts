// Runs inside Deno. The first line of standard input is the job, every further line a row; rows go out as lines, an error as one line on
// standard error. User code is loaded by a computed data: URL only: a static or literal import could read any file of the machine.

/* global Deno */
import { addKeyToRequests, silenceConsole, takeGlobalsAway } from './globals.ts';
import { makeRepeatable } from './repeatable.ts';

type Job = {
  /** What the harness says in the end, and no script can: it began with its rows, and gave all of them. */
  endMark: string;
  code: string;
  mode: 'row' | 'table' | 'extract';
  parameters: Record<string, string>;
  baseUrl: string;
  /** What the broker wants to see; '' where there is none. */
  brokerKey: string;
  seed: number;
  nowMs: number;
  lineBytes: number;
};

const encoder = new TextEncoder();
// A script may replace these.
const { stringify, parse } = JSON;
const { isArray } = Array;
const FLUSH_BYTES = 1 << 16;

async function* readLines(): AsyncGenerator<string> {
  let rest = '';
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** What a script gives back is not what it should be. */
class ResultInvalid extends TypeError {}

/** A row is larger than rows may be. */
class RowTooLarge extends RangeError {}

const write = Deno.stdout.writable.getWriter();
let pending = '';
// JSON has no numbers that are not finite and would make NULL of them: they go out as texts, and are judged as those.
const asJson = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? String(value) : value;

const emit = async (row: unknown, job: Job): Promise<void> => {
  if (typeof row !== 'object' || row === null || isArray(row)) throw new ResultInvalid('a row must be an object');
  const line = stringify(row, asJson);
  if (line.length > job.lineBytes) throw new RowTooLarge('a row is too large');
  pending += `${line}\n`;
  if (pending.length > FLUSH_BYTES) await flush();
};
const flush = async (): Promise<void> => {
  const bytes = encoder.encode(pending);
  pending = '';
  if (bytes.length > 0) await write.write(bytes);
};

const load = async (code: string): Promise<{ transform: (...values: unknown[]) => unknown }> => {
  const module = await import(`data:application/typescript;base64,${code}`);
  const transform = module.transform ?? module.default;
  if (typeof transform !== 'function') throw new ResultInvalid('the script exports no function');
  return { transform };
};

const fixedHost = (baseUrl: string) => ({ baseUrl });

const run = async (): Promise<string> => {
  const lines = readLines();
  const first = await lines.next();
  const job = JSON.parse(first.value ?? '{}') as Job;
  if (job.brokerKey !== '') addKeyToRequests(job.brokerKey);
  makeRepeatable(job);
  silenceConsole();
  takeGlobalsAway();
  const { transform } = await load(job.code);
  const context = Object.freeze({ parameters: Object.freeze(job.parameters), ...fixedHost(job.baseUrl) });
  if (job.mode === 'row') {
    for await (const line of lines) {
      const result = await transform(parse(line), context);
      if (result === null || result === undefined) await emit({ ' dropped': 1 }, job);
      else for (const row of isArray(result) ? result : [result]) await emit(row, job);
    }
  } else {
    const rows = async function* () {
      for await (const line of lines) yield parse(line);
    };
    const result = job.mode === 'table' ? transform(rows(), context) : transform(context);
    const returned = await result;
    for await (const row of (returned ?? []) as AsyncIterable<unknown>) await emit(row, job);
  }
  await flush();
  await write.close();
  return job.endMark;
};

const lineOf = (error: unknown): number => {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return Number(/data:application\/typescript[^\s)]*:(\d+):\d+/.exec(stack)?.[1] ?? 0);
};

// A script may replace these, and may end the process itself: then there is no mark.
const { exit, stderr } = Deno;
const say = (line: string): number => stderr.writeSync(encoder.encode(`${line}\n`));

try {
  const mark = await run();
  say(mark);
  exit(0);
} catch (error) {
  // The message may quote a row, so only the kind of the error and its line leave the sandbox.
  const kind = error instanceof Error ? error.name : 'Error';
  say(stringify({ kind, line: lineOf(error) }));
  exit(1);
}
