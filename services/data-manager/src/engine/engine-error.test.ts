// Errors of the engine as sentences, and the line of a person's statement.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from './engine-error.ts';
import { openEngine, type Engine } from './engine.ts';
import { runUserSql } from './user-sql.ts';

let root: string;
let engine: Engine;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lethe-engine-error-'));
  engine = await openEngine({ directory: root });
});
afterAll(async () => {
  await engine.close();
  await rm(root, { recursive: true, force: true });
});

const failureOf = async (work: Promise<unknown>): Promise<EngineError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('the statement did not fail');
};

const run = async (statement: string): Promise<EngineError> => {
  count += 1;
  const directory = await mkdtemp(join(root, `step${count}-`));
  const shared = { directory, statement, tables: [], parameters: {}, hashFile: () => Promise.resolve('') };
  return failureOf(runUserSql({ ...shared, signal: new AbortController().signal }, () => Promise.resolve()));
};

describe('a statement of a person', () => {
  test.each([
    ['SELECT 1\nFORM t', 'ENGINE_REFUSED', 'The statement is refused: the statement is not a SELECT that can be parsed.', 2],
    ['SELECT 1;\nSELECT 2', 'ENGINE_REFUSED', 'The statement is refused: exactly one statement is allowed.', 0],
    ["SELECT 1,\n read_text('x')", 'ENGINE_REFUSED', 'The statement is refused: the function read_text is not allowed.', 0],
    ['SELECT 1,\n  nothing', 'ENGINE_SQL', 'The statement cannot be run (line 2): it names a column that is not there.', 2],
    ['SELECT 1 AS a,\n\n  lower(1, 2)', 'ENGINE_SQL', 'The statement cannot be run (line 3): it calls a function with types', 3],
    ["SELECT CAST('secret' AS INTEGER)", 'ENGINE_CONVERSION', 'The statement fails on a value (line 1): it cannot be converted', 1],
    ['SELECT 9223372036854775807 + 1', 'ENGINE_CONVERSION', 'The statement fails on a value: it is out of the range of its type.', 0],
  ])('%s: %s', async (statement, reason, sentence, line) => {
    const error = await run(statement);
    expect(error).toMatchObject({ reason, isOfScript: true });
    expect(error.message).toContain(sentence);
    expect(error.message).not.toContain('secret');
    expect(Number(error.place.line ?? 0n)).toBe(line);
  });

  test('tells no line that a value writes into the text of the error', async () => {
    // The engine counts one line more, which stands before the statement.
    const planted = "concat('x', chr(10), chr(10), 'LINE 4: y', chr(10), '  ^')";
    for (const value of [planted, planted.replace('4', '4711')]) {
      const error = await run(`SELECT\n  CAST(${value} AS INTEGER)\n  AS a\nFROM range(1)`);
      expect(error.reason).toBe('ENGINE_CONVERSION');
      expect([0, 2]).toContain(Number(error.place.line ?? 0n));
    }
  });
});

test('a statement of Lethe’s own is no person’s, and its error has the frames of the call', async () => {
  const error = await failureOf(engine.sql('SELECT nothing'));
  expect(error).toMatchObject({ reason: 'ENGINE_SQL', isOfScript: false });
  expect(error.stack).toContain('engine-error.test.ts');
});
