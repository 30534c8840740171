// Errors of a Postgres server and of its driver as sentences.
import { describe, expect, test } from 'vitest';
import { toRunError } from './failure.ts';
import { meaningOf } from './sqlstate.ts';

const fault = (code: string, fields: object = {}): Error => Object.assign(new Error('planted'), { code, ...fields });

// The classes of appendix A of the manual of Postgres 18.
const CLASSES =
  '00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 XX';

describe('an error of the server', () => {
  test.each([
    ['42601', 'POSTGRES_STATEMENT_INVALID', 'Reading failed: the server refuses the statement: it cannot be parsed.'],
    ['42P01', 'POSTGRES_STATEMENT_INVALID', 'Reading failed: the server refuses the statement: it names a table that is not there.'],
    ['42703', 'POSTGRES_STATEMENT_INVALID', 'Reading failed: the server refuses the statement: it names a column that is not there.'],
    ['42501', 'POSTGRES_RIGHTS_MISSING', 'Reading failed: the role of the connection lacks a right that this needs.'],
    ['22P02', 'POSTGRES_VALUE_REFUSED', 'Reading failed at the server: a text cannot be read as its type.'],
    ['22021', 'POSTGRES_VALUE_REFUSED', 'the encoding of the database does not have'],
    ['22ZZZ', 'POSTGRES_VALUE_REFUSED', 'Reading failed at the server: a value does not fit where it is used.'],
    ['23505', 'POSTGRES_CONSTRAINT_BROKEN', 'Reading failed at the server: rows repeat a value that must be unique.'],
    ['3D000', 'POSTGRES_DATABASE_MISSING', 'Reading failed: the server has no database of that name.'],
    ['28P01', 'POSTGRES_DENIED', 'Reading failed: the server refuses the role (28P01).'],
    ['25006', 'POSTGRES_READ_ONLY', 'Reading failed: the session or the server is read-only.'],
    ['53100', 'POSTGRES_DISK_FULL', "Reading failed: the disk of the connection's server is full."],
    ['57014', 'POSTGRES_TIMEOUT', 'took longer than is allowed there'],
    ['57P01', 'POSTGRES_AWAY', 'Reading failed: the server is away (57P01).'],
    ['40P01', 'POSTGRES_BUSY', 'Reading failed: the server was busy (40P01).'],
    ['P0001', 'POSTGRES_RAISED', 'a function or trigger of the database raised an error'],
    ['XX001', 'POSTGRES_SERVER_FAULT', 'the server reports a fault of its own (class XX)'],
    ['55000', 'POSTGRES_FAILED', 'an object is in a state that does not allow it (class 55)'],
    ['SECRT', 'POSTGRES_PROTOCOL', 'Reading failed: what is reached there does not follow the protocol of Postgres.'],
  ])('of code %s is %s, with a sentence', (code, reason, sentence) => {
    const error = toRunError(fault(code), 'Reading');
    expect(error.reason).toBe(reason);
    expect(error.message).toContain(sentence);
    expect(error.message).not.toMatch(/planted|no code|\bcode [0-9A-Z]{5}\b/);
  });

  test('has a meaning in each class of codes that there is', () => {
    expect(CLASSES.split(' ').filter((name) => meaningOf(`${name}Z9Z`) === undefined)).toEqual([]);
  });

  test('says nothing that the server chose: a code that is not known shows its class at most', () => {
    for (const code of ['22SEC', 'XXSEC', '55SEC', '08SEC', '28SEC', 'SECRT', 'ESECRET', 'secret_4711', 'ERR_SECRET'])
      expect(toRunError(fault(code), 'Reading').message).not.toMatch(/SEC|secret/);
  });

  test('of a query says the line of the part that a person wrote, and none outside of it', () => {
    const content = 'select a,\n  nothing\nfrom t';
    const statement = `copy (select "a" from (\n${content}\n) as source) to stdout`;
    const at = (position: unknown): number => {
      const error = toRunError(fault('42703', { position }), 'Reading', { statement, content });
      return Number(error.place.line ?? 0n);
    };
    expect(at(String(statement.indexOf('nothing') + 1))).toBe(2);
    expect(toRunError(fault('42703', { position: '36' }), 'Reading', { statement, content }).message).toContain('(line 2)');
    for (const outside of ['1', '99999', 'planted', '', undefined, '-3', '1.5']) expect(at(outside)).toBe(0);
  });
});

describe('an error without a code of the server', () => {
  test.each([
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string', 'POSTGRES_PASSWORD_MISSING'],
    ['The server does not support SSL connections', 'POSTGRES_TLS'],
    ['timeout expired', 'POSTGRES_AWAY'],
    ['Connection terminated unexpectedly', 'POSTGRES_AWAY'],
    ['SASL: SCRAM-SERVER-FINAL-MESSAGE: server returned error: "planted"', 'POSTGRES_PROTOCOL'],
    ['Received unexpected rowDescription message from backend.', 'POSTGRES_PROTOCOL'],
  ])('%s is %s', (message, reason) => {
    const error = toRunError(new Error(message), 'Connecting');
    expect(error.reason).toBe(reason);
    expect(error.message).not.toMatch(/planted|no code/);
  });

  test.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'POSTGRES_TLS', 'its certificate is signed by itself'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'POSTGRES_TLS', 'its certificate is of another host'],
    ['ECONNREFUSED', 'POSTGRES_AWAY', '(ECONNREFUSED)'],
    ['ENOTFOUND', 'POSTGRES_AWAY', '(ENOTFOUND)'],
  ])('%s is %s', (code, reason, part) => {
    const error = toRunError(fault(code), 'Connecting');
    expect(error.reason).toBe(reason);
    expect(error.message).toContain(part);
  });

  test('is none of the server where a file of this machine could not be written', () => {
    expect(toRunError(fault('ENOSPC', { syscall: 'write' }), 'Reading')).toMatchObject({ reason: 'DISK_FULL', transient: true });
    expect(toRunError(fault('EROFS', { syscall: 'open', path: '/x' }), 'Reading').reason).toBe('INTERNAL');
  });
});
