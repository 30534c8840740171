import { describe, expect, test } from 'vitest';
import { defect } from '../domain/defect.ts';
import { stageError } from '../domain/run-error.ts';
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

describe('what the log says of an unknown error', () => {
  test('is its name, its code and its frames, and nothing of its text', () => {
    const entry = logged(withFields('planted\nplanted', { code: 'EACCES' }));
    expect(entry).toMatchObject({ error: 'Error', code: 'EACCES' });
    expect(entry.frames[0]).toMatch(/^ {4}at .*failure\.test\.ts/);
    expect(JSON.stringify(entry)).not.toContain('planted');
  });

  test('is the text too of a defect, which is the program’s own', () => {
    expect(logged(defect('a column has no type'))).toMatchObject({ error: 'Defect', defect: 'a column has no type' });
  });
});
