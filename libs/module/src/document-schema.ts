// The shape of a module document, as JSON Schema, made of the table of fields.
import { CONTEXT_URL } from './json-ld-context.ts';
import type { Members, Row, Schema } from './fields/field.ts';
import { rowsOf } from './fields/members.ts';
import { moduleFields } from './fields/module.ts';

const memberSchema = ({ schema, members, holds, short }: Row): Schema => {
  if (!members) return schema;
  const object = objectSchema(members);
  if (short) return { anyOf: [short, object] };
  if (holds === 'list') return { type: 'array', items: object, ...schema };
  return holds === 'map' ? { type: 'object', additionalProperties: object } : object;
};

const objectSchema = (members: Members, more: Record<string, Schema> = {}): Schema => {
  const rows = rowsOf(members);
  const needs = rows.flatMap((row) => (row.needs ? [[row.word, row.needs] as const] : []));
  // An object has at most one list of exclusive words; more of them would need an `allOf`.
  const [choice, ...others] = members.choices;
  if (others.length > 0) throw new Error('an object of the document has two lists of exclusive words');
  return {
    type: 'object',
    additionalProperties: false,
    properties: { ...more, ...Object.fromEntries(rows.map((row) => [row.word, memberSchema(row)])) },
    required: [...Object.keys(more), ...rows.filter(({ required }) => required).map(({ word }) => word)],
    ...(needs.length > 0 ? { dependentRequired: Object.fromEntries(needs) } : {}),
    ...(choice ? { oneOf: choice.map((word) => ({ required: [word] })) } : {}),
  };
};

/** The words of JSON-LD, which are the same in every document. */
export const FIXED = { '@context': CONTEXT_URL, '@type': ['Dataset', 'DataModule'] };

/** The schema of a document. */
export const DOCUMENT_SCHEMA: Schema = objectSchema(moduleFields.members, {
  '@context': { const: FIXED['@context'] },
  '@type': { const: FIXED['@type'] },
});
