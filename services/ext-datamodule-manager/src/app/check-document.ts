import { fail } from '@lethe/grpc/errors';
import { checkModule } from '@lethe/module/check-module';
import { documentHash, parseDocument } from '@lethe/module/document';

/** Reads and checks a document; throws with every problem found, each by its JSON pointer. Returns its hash. */
export const checkDocument = async (document: Record<string, unknown>): Promise<string> => {
  const parsed = await parseDocument(document);
  const violations = 'violations' in parsed ? parsed.violations : checkModule(parsed.module);
  if (violations.length > 0) {
    throw fail(
      'DOCUMENT_INVALID',
      {},
      { fields: violations.map(({ pointer, rule, message }) => ({ field: `document#${pointer}`, rule, description: message })) },
    );
  }
  return documentHash(document);
};
