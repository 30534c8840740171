import { Missing_Kind } from '@lethe/contracts/gen/lethe/task/v1/task';
import { expect, test } from 'vitest';
import { missing } from './missing.ts';

test('what is missing has its kind, and the name of the kind beside it', () => {
  expect(missing('UPLOAD_MISSING', 'tables/t', 'no upload')).toEqual({
    kind: Missing_Kind.UPLOAD_MISSING,
    type: 'UPLOAD_MISSING',
    subject: 'tables/t',
    description: 'no upload',
  });
});

test('a kind that the contract does not have does not compile', () => {
  // @ts-expect-error: there is no such kind.
  missing('UPLOADS_MISSING', 'tables/t', 'no upload');
  // @ts-expect-error: the unspecified kind is never sent.
  missing('UNSPECIFIED', 'tables/t', 'no upload');
});
