// The checks of a script that is saved.
import { type Script_Language as Language, Script_Type as Type, type Parameter } from '@lethe/contracts/gen/lethe/script/v1/script';
import { fail, type FieldViolation } from '@lethe/grpc/errors';
import { parseTransformProperties } from '@lethe/module/parse-script';
import { createHash } from 'node:crypto';
import { checkDeclarations } from '../domain/parameters.ts';
import { isLanguageOf } from '../domain/script.ts';
import type { TextChecker } from '../parsing/checker.ts';
import type { ContentProblem } from '../parsing/protocol.ts';

/** What is saved of a version, with the type and language of its script. */
export type Content = {
  groupId: string;
  type: Type;
  language: Language;
  content: string;
  properties: Record<string, unknown>;
  parameters: Parameter[];
};

const FORBIDDEN_RULES = new Set(['IMPORT', 'ONE_STATEMENT', 'SELECT']);

const toField = (prefix: string, { pointer, rule, message, line, column }: ContentProblem): FieldViolation => ({
  field: `${prefix}${pointer === '' ? '' : `#${pointer}`}`,
  rule,
  description: line === undefined || line === 0 ? message : `line ${line}, column ${column ?? 0}: ${message}`,
});

/** Checks type, language, content, properties and parameters; returns what is derived from them. Throws with every problem found. */
export const checkContent = async (saved: Content, checkText: TextChecker): Promise<{ contentHash: string; readKind: string }> => {
  if (!isLanguageOf(saved.type, saved.language))
    throw fail(
      'LANGUAGE_MISMATCH',
      {},
      { fields: [{ field: 'language', rule: 'LANGUAGE_MISMATCH', description: 'the type cannot be written in the language' }] },
    );
  const declared = checkDeclarations(saved.parameters);
  if (declared.length > 0)
    throw fail(
      'PARAMETER_INVALID',
      {},
      { fields: declared.map(({ field, message }) => ({ field, rule: 'PARAMETER_INVALID', description: message })) },
    );
  const { readKind, problems } = await checkText(saved.groupId, saved);
  if (problems.length > 0) {
    const reason = problems.some(({ rule }) => FORBIDDEN_RULES.has(rule)) ? 'CONTENT_FORBIDDEN' : 'CONTENT_INVALID';
    throw fail(reason, {}, { fields: problems.map((problem) => toField('content', problem)) });
  }
  if (saved.type === Type.TRANSFORMATION) {
    const outputs = parseTransformProperties(saved.properties);
    if ('violations' in outputs)
      throw fail('CONTENT_INVALID', {}, { fields: outputs.violations.map((problem) => toField('properties', problem)) });
  }
  const hashed = JSON.stringify([saved.content, saved.properties, saved.parameters]);
  return { contentHash: createHash('sha256').update(hashed).digest('hex'), readKind };
};
