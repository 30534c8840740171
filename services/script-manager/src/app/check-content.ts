// The checks of a script that is saved.
import { Script_Language as Language, Script_Type as Type, type Parameter } from '@lethe/contracts/gen/lethe/script/v1/script';
import { fail, type FieldViolation } from '@lethe/grpc/errors';
import { parseScriptContent, parseTransformProperties, type ScriptContentKind } from '@lethe/module/parse-script';
import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';
import { checkDeclarations } from '../domain/parameters.ts';
import type { Problem } from '../domain/problem.ts';
import { isLanguageOf } from '../domain/script.ts';
import { checkSql } from '../domain/sql.ts';
import { checkTypeScript } from '../domain/typescript.ts';
import type { SqlParser } from '../sql/parsers.ts';

/** What is saved of a version, with the type and language of its script. */
export type Content = {
  type: Type;
  language: Language;
  content: string;
  properties: Record<string, unknown>;
  parameters: Parameter[];
};

const RULE_KINDS: Partial<Record<Type, ScriptContentKind>> = {
  [Type.FIELD_RULES]: 'FieldRules',
  [Type.ANONYMIZATION]: 'AnonymizationPlan',
  [Type.UPLOADING]: 'UploadPlan',
};
const FORBIDDEN_RULES = new Set(['IMPORT', 'ONE_STATEMENT', 'SELECT']);

type ContentProblem = { pointer: string; rule: string; message: string; line?: number; column?: number };

const toField = (prefix: string, { pointer, rule, message, line, column }: ContentProblem): FieldViolation => ({
  field: `${prefix}${pointer === '' ? '' : `#${pointer}`}`,
  rule,
  description: line === undefined || line === 0 ? message : `line ${line}, column ${column ?? 0}: ${message}`,
});

const READ_KINDS: Record<string, ScriptContentKind> = { tableRead: 'TableRead', fileRead: 'FileRead', httpRead: 'HttpRead' };

/** The kind of a declarative extraction, by the one key of its object. */
const readKindOf = (content: string): ScriptContentKind | undefined => {
  try {
    const [key, ...others] = Object.keys(JSON.parse(content) as object);
    return others.length === 0 && key !== undefined ? READ_KINDS[key] : undefined;
  } catch {
    return undefined;
  }
};

const checkJson = (type: Type, content: string): { readKind: string; problems: ContentProblem[] } => {
  const kind = type === Type.EXTRACTION ? readKindOf(content) : RULE_KINDS[type];
  if (kind === undefined)
    return {
      readKind: '',
      problems: [{ pointer: '', rule: 'READ_KIND', message: 'the content is an object with one of tableRead, fileRead, httpRead' }],
    };
  const parsed = parseScriptContent(kind, content);
  return { readKind: type === Type.EXTRACTION ? kind : '', problems: 'violations' in parsed ? parsed.violations : [] };
};

const checkSqlOf = async (type: Type, content: string, parseSql: SqlParser): Promise<Problem[]> => {
  const problems = checkSql(content);
  // Where it is no single query, the grammar would only report the same in other words.
  return problems.length > 0 ? problems : parseSql(type === Type.EXTRACTION ? 'postgres' : 'duckdb', content);
};

const checkByLanguage = async (
  { type, language, content }: Content,
  parseSql: SqlParser,
): Promise<{ readKind: string; problems: ContentProblem[] }> => {
  if (language === Language.JSON) return checkJson(type, content);
  const problems =
    language === Language.SQL
      ? await checkSqlOf(type, content, parseSql)
      : checkTypeScript(content, (source) => stripTypeScriptTypes(source, { mode: 'strip' }));
  return { readKind: '', problems };
};

/** Checks type, language, content, properties and parameters; returns what is derived from them. Throws with every problem found. */
export const checkContent = async (saved: Content, parseSql: SqlParser): Promise<{ contentHash: string; readKind: string }> => {
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
  const { readKind, problems } = await checkByLanguage(saved, parseSql);
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
