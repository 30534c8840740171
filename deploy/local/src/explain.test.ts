import { BadRequest, ErrorInfo, Help, PreconditionFailure, RetryInfo } from '@lethe/contracts/gen/google/rpc/status';
import { expect, test } from 'vitest';
import { explain } from './explain.ts';

const detail = (name: string, bytes: Uint8Array) => ({ type: `google.rpc.${name}`, value: Buffer.from(bytes).toString('base64') });

test('an error is shown with its reason, its fields and what to do', () => {
  const details = [
    detail('ErrorInfo', ErrorInfo.encode({ reason: 'INVALID_REQUEST', domain: 'lethe.user.v1', metadata: { a: 'b' } }).finish()),
    detail(
      'BadRequest',
      BadRequest.encode({ fieldViolations: [{ field: 'group_id', description: 'no uuid', reason: 'string.uuid' }] }).finish(),
    ),
    detail('Help', Help.encode({ links: [{ description: 'Correct the fields.', url: '' }] }).finish()),
  ];
  expect(explain(JSON.stringify({ code: 'invalid_argument', message: 'A field breaks a rule', details }))).toBe(
    'invalid_argument: A field breaks a rule\nreason: INVALID_REQUEST (lethe.user.v1)\n  a: b\nfield group_id: no uuid (string.uuid)\nwhat to do: Correct the fields.\n',
  );
});

test('what stands in the way of a release, and when to try again, is shown too', () => {
  const violations = [{ type: 'ROLE_MISSING', subject: 'tables/person/columns/age', description: 'the column has no role' }];
  const details = [
    detail('PreconditionFailure', PreconditionFailure.encode({ violations }).finish()),
    detail('RetryInfo', RetryInfo.encode({ retryDelay: { seconds: 1n, nanos: 500_000_000 } }).finish()),
  ];
  expect(explain(JSON.stringify({ code: 'failed_precondition', message: 'Something is missing', details }))).toBe(
    'failed_precondition: Something is missing\nROLE_MISSING tables/person/columns/age: the column has no role\ntry again after: 1.5 s\n',
  );
});

test('what is no error of buf curl is shown as it is', () => {
  expect(explain('Failure: connection refused\n')).toBe('Failure: connection refused\n');
});
