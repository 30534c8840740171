import { BadRequest, ErrorInfo, Help } from '@lethe/contracts/gen/google/rpc/status';
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

test('what is no error of buf curl is shown as it is', () => {
  expect(explain('Failure: connection refused\n')).toBe('Failure: connection refused\n');
});
