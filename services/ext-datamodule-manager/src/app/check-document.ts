import { fail } from '@lethe/grpc/errors';
import { checkModule } from '@lethe/module/check-module';
import { documentHash, parseDocument } from '@lethe/module/document';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Reads and checks a document; throws with every problem found, each by its JSON pointer. Returns its hash. */
export const checkDocument = async (document: Record<string, unknown>): Promise<string> => {
  // Calls of others have their turn between the steps: a large document takes each of them a while.
  await nextTurn();
  const parsed = await parseDocument(document);
  await nextTurn();
  const violations = 'violations' in parsed ? parsed.violations : checkModule(parsed.module);
  if (violations.length > 0) {
    throw fail(
      'DOCUMENT_INVALID',
      {},
      { fields: violations.map(({ pointer, rule, message }) => ({ field: `document#${pointer}`, rule, description: message })) },
    );
  }
  await nextTurn();
  return documentHash(document);
};
