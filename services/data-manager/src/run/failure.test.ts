import { createLogger } from '@lethe/service/logger';
import { DatabaseError } from 'pg';
import { describe, expect, test } from 'vitest';
import { defect } from '../domain/defect.ts';
import { stageError } from '../domain/run-error.ts';
import { engineError } from '../engine/engine-error.ts';
import { isOwnDatabaseAway, logged } from './failure.ts';

const withFields = (message: string, fields: object): Error => Object.assign(new Error(message), fields);

describe('the own database', () => {
  test.each([
    ['a session that an administrator ended', withFields('terminating connection', { code: '57P01' })],
    ['a server that takes no more connections', withFields('too many connections', { code: '53300' })],
    ['a connection that ended', new Error('Connection terminated unexpectedly')],
    ['a server that refuses the connection', withFields('refused', { code: 'ECONNREFUSED', syscall: 'connect' })],
    ['a socket that is not there', withFields('no socket', { code: 'ENOENT', syscall: 'connect' })],
    ['a deadlock that did not end after repetition', withFields('deadlock detected', { code: '40P01' })],
    ['a statement that took too long', withFields('canceling statement', { code: '57014' })],
  ])('is away with %s', (_, error) => {
    expect(isOwnDatabaseAway(error)).toBe(true);
  });

  test.each([
    ['a file that is not there', withFields('no such file', { code: 'ENOENT', syscall: 'open', path: '/runs/x' })],
    ['a value that a constraint refuses', withFields('violates', { code: '23514' })],
    ['a target that is away', stageError('POSTGRES_AWAY', { activity: 'Publishing', code: '57P01' })],
    ['a defect', defect('planted')],
  ])('is not away with %s', (_, error) => {
    expect(isOwnDatabaseAway(error)).toBe(false);
  });
});

/** What really comes into the log. */
const written = (error: unknown): string => {
  const lines: string[] = [];
  createLogger('data', 'info', { write: (line) => void lines.push(line) }).error(logged(error), 'a step failed by a defect');
  return lines.join('');
};

describe('what the log says of an unknown error', () => {
  test('is its class, its code and its frames, and nothing of its text', () => {
    const entry = JSON.parse(written(withFields('planted\nplanted', { code: 'EACCES' }))) as Record<string, string>;
    expect(entry).toMatchObject({ error: 'Error', code: 'EACCES' });
    expect(entry['stack']).toMatch(/^ {4}at .*failure\.test\.ts/);
    expect(JSON.stringify(entry)).not.toContain('planted');
  });

  test('is the text too of a defect, which is the program’s own', () => {
    expect(JSON.parse(written(defect('a column has no type')))).toMatchObject({ error: 'Defect', defect: 'a column has no type' });
  });

  test('is the fixed sentence of the engine, and the frames of the call', () => {
    const error = engineError('ENGINE_SQL', 'It names a column that is not there.');
    expect(JSON.parse(written(error))).toMatchObject({
      error: 'EngineError',
      code: 'ENGINE_SQL',
      defect: 'It names a column that is not there.',
    });
  });

  test.each([
    ['a text that looks like frames', new Error('planted\n    at planted (/planted.ts:1:1)\n    at planted')],
    ['a code that a server chose', withFields('x', { code: 'planted' })],
    ['a code like one of Node', new DatabaseError('x', 1, 'error'), 'ERR_PLANTED'],
    ['a SQLSTATE that there is not', withFields('x', { code: '22PLA' })],
    ['a name that was given', withFields('x', { name: 'planted' })],
    ['a text that was thrown', 'planted'],
    ['an object that was thrown', { message: 'planted', name: 'planted', stack: '    at planted', code: 'planted' }],
  ])('is nothing of %s', (_, error, code?: string) => {
    if (code !== undefined) Object.assign(error as object, { code });
    expect(written(error)).not.toMatch(/planted|PLA/i);
  });
});
