// Runs one script in a Deno process that owns nothing: no environment, no files, no network but the run's broker; killed as a group.
import { boundToParent } from '@lethe/contracts/child';
import { watchResident } from '@lethe/contracts/resident';
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Transform, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Isolation } from '../domain/isolation.ts';
import { stageError, type RunError } from '../domain/run-error.ts';
import { SANDBOX_LIMITS, type SandboxLimits } from './limits.ts';

/** One execution: the script, its rows as NDJSON, and where its rows go. */
export type ScriptJob = {
  content: string;
  mode: 'row' | 'table' | 'extract';
  parameters: Record<string, string>;
  /** NDJSON; absent for `extract`. */
  inputPath?: string;
  outputPath: string;
  /** Where the broker is, and the key that it wants to see; absent = no network at all. */
  broker?: { port: number; key: string };
  /** Repeats of a run have the same. */
  seed: number;
  nowMs: number;
  limits?: Partial<SandboxLimits>;
};

const require = createRequire(import.meta.url);
const HARNESS = fileURLToPath(new URL('./harness.ts', import.meta.url));
const WATCH_EVERY_MS = 20;

/** The real binary: the package's own launcher cannot be killed. */
const denoBinary = (): string => {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
  const name = `@deno/linux-${architecture}-glibc`;
  return join(dirname(createRequire(require.resolve('deno/package.json')).resolve(`${name}/package.json`)), 'deno');
};

const hasPrlimit = (): boolean => spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0;

/** Looks what there is to keep scripts apart. */
export const findIsolation = (): Isolation => {
  try {
    const deno = denoBinary();
    return { deno: existsSync(deno) ? deno : undefined, prlimit: hasPrlimit() };
  } catch {
    return { deno: undefined, prlimit: false };
  }
};

const commandOf = (isolation: Isolation, deno: string, brokerPort: number | undefined): [command: string, args: string[]] => {
  const [command = '', ...args] = limited(isolation, deno, brokerPort);
  return boundToParent(command, args);
};

const limited = (isolation: Isolation, deno: string, brokerPort: number | undefined): string[] => [
  ...(isolation.prlimit ? ['prlimit', `--data=${SANDBOX_LIMITS.dataBytes}`, '--core=0', '--fsize=0', '--nofile=256'] : []),
  deno,
  'run',
  '--no-prompt',
  '--no-remote',
  '--no-npm',
  '--no-config',
  '--no-lock',
  '--cached-only',
  '--no-code-cache',
  '--quiet',
  // No code is made of text: what a script imports and names is what the check of its text saw.
  `--v8-flags=--max-old-space-size=${SANDBOX_LIMITS.heapMb},--disallow-code-generation-from-strings`,
  ...(brokerPort === undefined ? [] : [`--allow-net=127.0.0.1:${brokerPort}`]),
  HARNESS,
];

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const killGroup = (child: Child): void => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone.
  }
};

/** Watches time and memory; returns how to stop watching and what was found. */
const watch = (
  child: Child,
  limits: SandboxLimits,
  signal: AbortSignal,
): { stop: () => void; verdict: () => RunError | undefined; condemn: (error: RunError) => void } => {
  let found: RunError | undefined;
  const condemn = (error: RunError): void => {
    found ??= error;
    killGroup(child);
  };
  const timer = setTimeout(() => condemn(stageError('SCRIPT_TIMEOUT', { limit: limits.timeoutMs })), limits.timeoutMs);
  const stopWatching = watchResident({ pid: child.pid ?? 0, limitMb: limits.residentMb, everyMs: WATCH_EVERY_MS }, () =>
    condemn(stageError('SCRIPT_MEMORY')),
  );
  const abort = (): void => condemn(stageError('SCRIPT_STOPPED'));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return {
    stop: () => {
      clearTimeout(timer);
      stopWatching();
      signal.removeEventListener('abort', abort);
    },
    verdict: () => found,
    condemn,
  };
};

const feed = async (child: Child, job: ScriptJob, endMark: string): Promise<void> => {
  const { content, mode, parameters, broker, seed, nowMs } = job;
  const baseUrl = broker ? `http://127.0.0.1:${broker.port}` : '';
  const first = {
    endMark,
    code: Buffer.from(content).toString('base64'),
    mode,
    parameters,
    baseUrl,
    brokerKey: broker?.key ?? '',
    seed,
    nowMs,
    lineBytes: SANDBOX_LIMITS.lineBytes,
  };
  child.stdin.write(`${JSON.stringify(first)}\n`);
  try {
    if (job.inputPath === undefined) child.stdin.end();
    else await pipeline(createReadStream(job.inputPath, { highWaterMark: 1 << 18 }), child.stdin);
  } catch {
    // A script may end before it has read all its rows; what it wrote and how it ended decide.
  }
};

const capped = (limitBytes: number, onFlood: () => void): Transform => {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > limitBytes) {
        onFlood();
        done();
      } else done(null, chunk);
    },
  });
};

// A script may give its error any name, a value too: only those of the language and of Deno are shown.
const KINDS = new Set(
  (
    'Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError AbortError TimeoutError DataCloneError ' +
    'NotFound PermissionDenied NotCapable NotSupported ConnectionRefused ConnectionReset ConnectionAborted TimedOut Http InvalidData UnexpectedEof BadResource'
  ).split(' '),
);

/** What the harness says last: the mark of a good end, or the kind and line of an error. */
const readEnd = async (stream: Readable, endMark: string): Promise<{ isMarked: boolean; kind: string; line: number }> => {
  let text = '';
  // The end is what counts, however much a script says before.
  for await (const chunk of stream) text = (text + String(chunk)).slice(-65_536);
  const last = text.trim().split('\n').at(-1) ?? '';
  if (last === endMark) return { isMarked: true, kind: '', line: 0 };
  try {
    const { kind, line } = JSON.parse(last) as { kind?: unknown; line?: unknown };
    return {
      isMarked: false,
      kind: typeof kind === 'string' && KINDS.has(kind) ? kind : 'Error',
      line: typeof line === 'number' ? line : 0,
    };
  } catch {
    return { isMarked: false, kind: /heap out of memory|OOM/i.test(text) ? 'OutOfMemory' : 'Error', line: 0 };
  }
};

/** A script that threw or ended by itself. A script can write what it likes about its end: the kind is one of a list, the line one of its own. */
const scriptFailed = ({ kind, line }: { kind: string; line: number }, content: string): RunError => {
  const isLine = Number.isInteger(line) && line >= 1 && line <= content.split('\n').length;
  const error = stageError('SCRIPT_FAILED', { kind, place: isLine ? ` (line ${line})` : '' });
  return isLine ? error.locate({ line: BigInt(line) }) : error;
};

/** Runs a script to its end. Throws a RunError where it fails, is stopped, or breaks a cap; then the output is not to be used. */
export const runScript = async (isolation: Isolation, job: ScriptJob, signal: AbortSignal): Promise<void> => {
  if (isolation.deno === undefined) throw stageError('SANDBOX_UNAVAILABLE');
  const limits: SandboxLimits = {
    timeoutMs: SANDBOX_LIMITS.timeoutMs,
    outputBytes: SANDBOX_LIMITS.outputBytes,
    residentMb: SANDBOX_LIMITS.residentMb,
    ...job.limits,
  };
  const home = mkdtempSync(join(tmpdir(), 'lethe-script-'));
  const [command, args] = commandOf(isolation, isolation.deno, job.broker?.port);
  const child = spawn(command, args, {
    cwd: home,
    // A cache that cannot be made: a process that may write no byte to a file ends where it tries.
    env: { DENO_DIR: '/dev/null/none', NO_COLOR: '1', PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdin.on('error', () => {});
  const guard = watch(child, limits, signal);
  const endMark = randomUUID();
  const ended = new Promise<{ code: number | null; killedBy: NodeJS.Signals | null }>((resolve) => {
    child.once('error', () => resolve({ code: null, killedBy: null }));
    child.once('close', (code, killedBy) => resolve({ code, killedBy }));
  });
  try {
    const flood = (): void => guard.condemn(stageError('SCRIPT_OUTPUT', { limit: limits.outputBytes }));
    const [{ code, killedBy }, end] = await Promise.all([
      ended,
      readEnd(child.stderr, endMark),
      feed(child, job, endMark),
      pipeline(child.stdout, capped(limits.outputBytes, flood), createWriteStream(job.outputPath, { mode: 0o600 })).catch(() => undefined),
    ]);
    const verdict = guard.verdict();
    if (verdict) throw verdict;
    // V8 ends a process whose heap is full by a trap.
    const outOfMemory = end.kind === 'OutOfMemory' || killedBy === 'SIGTRAP' || killedBy === 'SIGABRT';
    if (outOfMemory) throw stageError('SCRIPT_MEMORY');
    if (code !== 0) throw scriptFailed(end, job.content);
    // What the script still held would be lost without a word.
    if (!end.isMarked) throw stageError('SCRIPT_EXITED');
  } finally {
    guard.stop();
    killGroup(child);
    rmSync(home, { recursive: true, force: true });
  }
};
