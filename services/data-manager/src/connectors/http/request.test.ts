// Errors of a request as sentences.
import { expect, test } from 'vitest';
import { stageError } from '../../domain/run-error.ts';
import { toRunError } from './request.ts';

test.each([
  ['ECONNREFUSED', 'HTTP_AWAY', true, 'The HTTP server cannot be reached.'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'HTTP_TLS', false, 'The HTTP server is not trusted: its certificate is signed by itself.'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'HTTP_TLS', false, 'The HTTP server is not trusted: its certificate is of another host.'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'HTTP_TLS', false, 'The HTTP server is not trusted: it and DataManager agree on no form of TLS.'],
  ['HPE_INVALID_CONSTANT', 'HTTP_PROTOCOL', false, 'What is reached there does not follow HTTP.'],
])('%s is %s', (code, reason, transient, message) => {
  expect(toRunError(Object.assign(new Error('planted'), { code }))).toMatchObject({ reason, transient, message });
});

test('a failure that the catalogue knows stays as it is', () => {
  const known = stageError('REDIRECT_REFUSED', { status: 302 });
  expect(toRunError(known)).toBe(known);
});
