// Checks the texts of scripts in processes that are killed where a text takes too long or too much.
import { spawnNode } from '@lethe/contracts/child';
import { fairSlots } from '@lethe/contracts/fair-slots';
import { Script_Language as Language } from '@lethe/contracts/gen/lethe/script/v1/script';
import { watchResident } from '@lethe/contracts/resident';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isTooDeep } from '../domain/nesting.ts';
import { PARSE_LIMITS } from './limits.ts';
import type { Checked, CheckResponse, ScriptText } from './protocol.ts';

/** Checks the text of a script of a group: every problem found, also that it takes too much to parse. */
export type TextChecker = (groupId: string, text: ScriptText) => Promise<Checked>;

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

const refusal = (rule: string, message: string): Checked => ({
  readKind: '',
  problems: [{ pointer: '', rule, message, line: 0, column: 0 }],
});

const TOO_LONG = refusal('TOO_LONG', `SQL and TypeScript have at most ${PARSE_LIMITS.codeBytes} bytes`);
const TOO_DEEP = refusal('NESTING', `the content is nested deeper than ${PARSE_LIMITS.depth} levels`);
const TOO_SLOW = refusal('TOO_COMPLEX', `the content cannot be parsed within ${PARSE_LIMITS.timeoutMs} ms`);
const TOO_LARGE = refusal('TOO_COMPLEX', 'the content cannot be parsed within the memory of its parser');

/** A parser process that could not be started, or failed by itself. */
class ParserFailed extends Error {
  override name = 'ParserFailed';
}

/** A started process; `ready` resolves once its parsers are loaded. */
type Parser = { child: ChildProcess; ready: Promise<void> };

const start = (): Parser => {
  const child = spawnNode({ program: CHILD, heapMb: PARSE_LIMITS.heapMb });
  const ready = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => child.kill('SIGKILL'), PARSE_LIMITS.startMs);
    const end = (settle: () => void) => (): void => {
      clearTimeout(late);
      settle();
    };
    child.once('message', end(resolve));
    child.once(
      'exit',
      end(() => reject(new ParserFailed('the parser process did not start'))),
    );
    child.on(
      'error',
      end(() => reject(new ParserFailed('the parser process could not be started'))),
    );
  });
  // Who waits for it hears of it.
  ready.catch(() => {});
  return { child, ready };
};

const isAlive = ({ child }: Parser): boolean => child.connected && child.exitCode === null && child.signalCode === null;

/** What a process makes of a text, or what it was killed for. */
const ask = ({ child }: Parser, text: ScriptText): Promise<Checked> =>
  new Promise((resolve, reject) => {
    let verdict = TOO_LARGE;
    const condemn = (why: Checked) => (): void => {
      verdict = why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(condemn(TOO_SLOW), PARSE_LIMITS.timeoutMs);
    const stop = watchResident(
      { pid: child.pid ?? 0, limitMb: PARSE_LIMITS.residentMb, everyMs: PARSE_LIMITS.watchEveryMs },
      condemn(TOO_LARGE),
    );
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      stop();
      child.off('exit', onExit).removeAllListeners('message');
      how();
    };
    // A stack or a heap that is full ends the process too.
    const onExit = (): void => settle(() => resolve(verdict));
    child.once('exit', onExit);
    child.once('message', (response: CheckResponse) =>
      settle(() => {
        if ('checked' in response) resolve(response.checked);
        // A parser that is out of its stack, or of what its numbers can count, says so by this error.
        else if (response.failure === 'RangeError') resolve(TOO_LARGE);
        else reject(new ParserFailed(response.failure));
      }),
    );
    child.send(text, (error) => {
      if (error !== null) child.kill('SIGKILL');
    });
  });

/** Processes that check texts. `close` ends them. */
export const openChecker = (): { check: TextChecker; close: () => Promise<void> } => {
  const slots = fairSlots(PARSE_LIMITS.processCount);
  const idle: Parser[] = [];
  const all = new Set<Parser>();
  const open = (): Parser => {
    const kept = idle.pop();
    if (kept && isAlive(kept)) return kept;
    const parser = start();
    all.add(parser);
    parser.child.once('exit', () => all.delete(parser));
    return parser;
  };
  const checkIn = async (parser: Parser, text: ScriptText): Promise<Checked> => {
    // A text that filled the stack may leave a parser that refuses every other: only one that found nothing wrong is used again.
    let isGood = false;
    try {
      await parser.ready;
      const checked = await ask(parser, text);
      isGood = checked.problems.length === 0 && isAlive(parser);
      return checked;
    } finally {
      if (isGood) idle.push(parser);
      else parser.child.kill('SIGKILL');
    }
  };
  const check: TextChecker = async (groupId, text) => {
    if (text.language !== Language.JSON && Buffer.byteLength(text.content) > PARSE_LIMITS.codeBytes) return TOO_LONG;
    if (text.language === Language.JSON && isTooDeep(text.content, PARSE_LIMITS.depth)) return TOO_DEEP;
    const giveBack = await slots.take(groupId);
    try {
      return await checkIn(open(), text);
    } finally {
      giveBack();
    }
  };
  const close = async (): Promise<void> => {
    for (const { child } of all) child.kill('SIGKILL');
  };
  return { check, close };
};
