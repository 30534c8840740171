// What is checked of the text of a script. Runs in the parser process only.
import { Script_Language as Language, Script_Type as Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { parseScriptContent, type ScriptContentKind } from '@lethe/module/parse-script';
import { stripTypeScriptTypes } from 'node:module';
import { checkSql } from '../domain/sql.ts';
import { checkTypeScript } from '../domain/typescript.ts';
import type { Checked, ScriptText } from './protocol.ts';
import { parseSql } from './parsers.ts';

const RULE_KINDS: Partial<Record<Type, ScriptContentKind>> = {
  [Type.FIELD_RULES]: 'FieldRules',
  [Type.ANONYMIZATION]: 'AnonymizationPlan',
  [Type.UPLOADING]: 'UploadPlan',
};

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

const checkJson = (type: Type, content: string): Checked => {
  const kind = type === Type.EXTRACTION ? readKindOf(content) : RULE_KINDS[type];
  if (kind === undefined)
    return {
      readKind: '',
      problems: [{ pointer: '', rule: 'READ_KIND', message: 'the content is an object with one of tableRead, fileRead, httpRead' }],
    };
  const parsed = parseScriptContent(kind, content);
  return { readKind: type === Type.EXTRACTION ? kind : '', problems: 'violations' in parsed ? parsed.violations : [] };
};

/** Checks a text. */
export const checkText = async ({ type, language, content }: ScriptText): Promise<Checked> => {
  if (language === Language.JSON) return checkJson(type, content);
  if (language === Language.TYPESCRIPT)
    return { readKind: '', problems: checkTypeScript(content, (source) => stripTypeScriptTypes(source, { mode: 'strip' })) };
  const problems = checkSql(content);
  // Where it is no single query, the grammar would only report the same in other words.
  return {
    readKind: '',
    problems: problems.length > 0 ? problems : await parseSql(type === Type.EXTRACTION ? 'postgres' : 'duckdb', content),
  };
};
