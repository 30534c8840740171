import { describe, expect, test } from 'vitest';
import { isConnectionLost } from './pg-errors.ts';

const withFields = (fields: object): Error => Object.assign(new Error('planted'), fields);

describe('a lost connection', () => {
  test.each([
    ['a session that the server ended', { code: '57P01' }],
    ['a server that takes no more connections', { code: '53300' }],
    ['a server that refuses the connection', { code: 'ECONNREFUSED', syscall: 'connect' }],
    ['a connection that the other side reset', { code: 'ECONNRESET', syscall: 'read' }],
    ['a socket file that is missing', { code: 'ENOENT', syscall: 'connect' }],
    ['a name that cannot be looked up now', { code: 'EAI_AGAIN', syscall: 'getaddrinfo' }],
    ['a timeout of the driver, without a system call', { code: 'ETIMEDOUT' }],
  ])('is %s', (_, fields) => {
    expect(isConnectionLost(withFields(fields))).toBe(true);
  });

  test.each([
    ['a file that is missing', { code: 'ENOENT', syscall: 'open' }],
    ['a missing name, without a system call', { code: 'ENOENT' }],
    ['a program that cannot be started', { code: 'ENOENT', syscall: 'spawn deno' }],
    ['a network file that took too long', { code: 'ETIMEDOUT', syscall: 'open' }],
    ['a constraint that refuses a value', { code: '23514' }],
  ])('is not %s', (_, fields) => {
    expect(isConnectionLost(withFields(fields))).toBe(false);
  });
});
