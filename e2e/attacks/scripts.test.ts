// Texts of scripts that take their parser too long, too deep or too much: refused, while the service goes on for others.
import { readFileSync } from 'node:fs';
import { Script_Language as Language, Script_Type as Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
let people: People;
let others: People;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'script', 'data'] });
  people = await makePeople(suite);
  others = await makePeople(suite);
});
afterAll(() => suite.close());

const KB_256 = 262_144;

const save = (language: Language, type: Type, content: string, { editor, groupId }: People = people) =>
  editor.script.createScript({
    groupId,
    displayName: randomUUID(),
    type,
    language,
    content,
    properties: type === Type.TRANSFORMATION ? { outputs: [{ name: 'a', type: 'integer' }] } : {},
  });

/** The rule that a text breaks; 'saved' where it breaks none. */
const ruleOf = (language: Language, type: Type, content: string): Promise<string> =>
  save(language, type, content).then(
    () => 'saved',
    (error: { reason: string; fields: { rule: string }[] }) => error.fields[0]?.rule ?? error.reason,
  );

/** The longest that a call of somebody else took while something is under way. */
const slowestCallMs = async (work: Promise<unknown>): Promise<number> => {
  const ended = new AbortController();
  let slowest = 0;
  void work.finally(() => ended.abort());
  while (!ended.signal.aborted) {
    const start = performance.now();
    await others.editor.script.listScripts({ groupId: others.groupId });
    slowest = Math.max(slowest, performance.now() - start);
  }
  return slowest;
};

const UNCLOSED = '/*'.repeat(KB_256 / 2 - 8);

const deep = (open: string, close: string, count: number): string => open.repeat(count) + close.repeat(count);

describe('a text', () => {
  test.each([
    ['SQL with comments that never close', Language.SQL, Type.TRANSFORMATION, `SELECT 1 ${UNCLOSED}`],
    ['SQL of parentheses', Language.SQL, Type.TRANSFORMATION, `SELECT ${deep('(', ')', 100_000)}`],
    ['SQL of parentheses for Postgres', Language.SQL, Type.EXTRACTION, `SELECT ${deep('(', ')', 100_000)}`],
    ['SQL of sixty thousand columns', Language.SQL, Type.TRANSFORMATION, `SELECT ${'a,'.repeat(60_000)}a FROM input`],
    ['TypeScript of brackets', Language.TYPESCRIPT, Type.TRANSFORMATION, `export default () => ${deep('[', ']', 100_000)}`],
    ['TypeScript of types', Language.TYPESCRIPT, Type.TRANSFORMATION, `export default (a: ${deep('[', ']', 100_000)}) => a`],
    ['JSON of arrays', Language.JSON, Type.FIELD_RULES, deep('[', ']', 900_000)],
    ['JSON of objects in a text', Language.JSON, Type.UPLOADING, `{"tables": ${deep('{"a":', '}', 900)}`],
  ])('of %s is refused, and calls of others are served meanwhile', async (_name, language, type, content) => {
    const saved = ruleOf(language, type, content);
    const slowestMs = await slowestCallMs(saved);
    expect(await saved).toMatch(/^(?:TOO_COMPLEX|NESTING|SYNTAX)$/);
    expect(slowestMs).toBeLessThan(1_000);
  });

  test.each([
    ['SQL', Language.SQL, `SELECT 1 AS a --${'x'.repeat(KB_256)}`],
    ['TypeScript', Language.TYPESCRIPT, `export default (row) => row; //${'x'.repeat(KB_256)}`],
  ])('of %s beyond 256 kB is refused, and one below is not', async (_name, language, content) => {
    expect(await ruleOf(language, Type.TRANSFORMATION, content)).toBe('TOO_LONG');
    expect(await ruleOf(language, Type.TRANSFORMATION, content.slice(0, KB_256))).toBe('saved');
  });
});

test('whatever texts were refused, there are no more parsers than two', () => {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const parsers = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('script-manager/src/parsing/child.ts'));
  expect(parsers.length).toBeLessThanOrEqual(2);
});

test('a group whose texts take all the time that they may leaves a parser for another', async () => {
  const many = Promise.all(Array.from({ length: 3 }, () => ruleOf(Language.SQL, Type.TRANSFORMATION, `SELECT 1 ${UNCLOSED}`)));
  const ended = new AbortController();
  void many.finally(() => ended.abort());
  await save(Language.SQL, Type.TRANSFORMATION, 'SELECT 1 AS a', others);
  expect(ended.signal.aborted).toBe(false);
  expect(new Set(await many)).toEqual(new Set(['TOO_COMPLEX']));
});

test('a group that tries many slow scripts leaves room for another that tries one', async () => {
  const made = async (of: People, content: string): Promise<() => Promise<unknown>> => {
    const { script } = await save(Language.TYPESCRIPT, Type.TRANSFORMATION, content, of);
    const tables = [{ table: 't', columns: [], rows: [{ a: 1 }] }];
    return () => of.editor.script.testScript({ scriptId: script?.id ?? '', tables, table: 't' });
  };
  const slow = await made(people, 'export default async () => { await new Promise((end) => setTimeout(end, 8_000)); return { a: 1 }; };');
  const quick = await made(others, 'export default () => ({ a: 1 });');
  const first = new AbortController();
  const many = Promise.allSettled(Array.from({ length: 7 }, () => slow().finally(() => first.abort())));
  // Each of the slow ones has a slot by now, or waits for one.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(first.signal.aborted).toBe(false);
  await quick();
  expect(first.signal.aborted).toBe(false);
  await many;
});
