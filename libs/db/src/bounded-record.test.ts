import { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { boundRecord, MAX_VIEW_BYTES } from './bounded-record.ts';

const record = (values: Partial<AuditRecord>): AuditRecord => ({ ...AuditRecord.decode(Buffer.alloc(0)), ...values });
const document = (tables: number, license = 'a'): Record<string, unknown> => ({
  license,
  tables: Array.from({ length: tables }, (_, index) => ({ name: `t${index}`, note: 'x'.repeat(1000) })),
});

test('a small record stays as it is', () => {
  const small = record({ request: { name: 'n', list: [1, null, true] }, before: { a: 'b' }, after: { a: 'c' } });
  expect(boundRecord(small)).toEqual(small);
});

test('a large document stands by its digest, and after a change by pointers to what changed', () => {
  const [before, after] = [document(50), document(50, 'b')];
  const bound = boundRecord(record({ before: { id: '1', document: before }, after: { id: '1', document: after } }));
  const text = JSON.stringify(after['tables']);
  const digest = { sha256: createHash('sha256').update(text).digest('hex'), sizeBytes: text.length };
  expect(bound.before).toEqual({ id: '1', document: { license: 'a', tables: digest } });
  expect(bound.after).toEqual({ id: '1', document: { license: 'b', tables: { ...digest, changed: [] } } });
});

test('what changed in a large list is told by pointer', () => {
  const before = document(50);
  const after = structuredClone(before);
  (after['tables'] as { note: string }[])[7] = { note: 'other' };
  const bound = boundRecord(record({ before: { document: before }, after: { document: after } }));
  expect(bound.after).toMatchObject({ document: { tables: { changed: ['/7/name', '/7/note'] } } });
});

test('no record is larger than three bounded views, whatever it holds', () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  const view = fc.dictionary(fc.string({ maxLength: 20 }), fc.oneof(json, fc.string({ minLength: 20_000, maxLength: 90_000 })), {
    maxKeys: 8,
  });
  fc.assert(
    fc.property(view, view, view, (request, before, after) => {
      const size = AuditRecord.encode(boundRecord(record({ request, before, after }))).finish().length;
      expect(size).toBeLessThan(3 * MAX_VIEW_BYTES * 2 + 10_000);
    }),
    { numRuns: 12 },
  );
});

test('U+0000 and lone surrogates are replaced, in keys too, so that the record can be stored', () => {
  const bound = boundRecord(record({ resource: 'a\u0000b', request: { 'k\u0000': ['\ud800', { inner: 'x\u0000' }] } }));
  const text = JSON.stringify([bound.request, bound.resource]);
  for (const escaped of [String.raw`\u0000`, String.raw`\ud800`]) expect(text).not.toContain(escaped);
  expect(AuditRecord.decode(AuditRecord.encode(bound).finish()).request).toEqual(bound.request);
});
