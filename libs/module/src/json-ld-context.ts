// The JSON-LD context of module documents, `urn:lethe:context:1`, made of the table of fields.
import type { Json, Members } from './fields/field.ts';
import { moduleFields } from './fields/module.ts';

/** The name by which documents refer to it. */
export const CONTEXT_URL = 'urn:lethe:context:1';

// The context is flat: a word means the same in every object.
const termsOf = ({ rows }: Members, terms: Map<string, Json>): Map<string, Json> => {
  for (const { word, term, members } of rows) {
    const known = terms.get(word);
    if (known && JSON.stringify(known) !== JSON.stringify(term)) throw new Error(`the word ${word} has two terms`);
    terms.set(word, term);
    if (members) termsOf(members, terms);
  }
  return terms;
};

/** The context document. */
export const CONTEXT: Json = {
  '@context': {
    '@version': 1.1,
    schema_: 'https://schema.org/',
    csvw: 'http://www.w3.org/ns/csvw#',
    dcat: 'http://www.w3.org/ns/dcat#',
    lethe: 'urn:lethe:ns:1#',
    Dataset: 'schema_:Dataset',
    DataModule: 'lethe:DataModule',
    ...Object.fromEntries(termsOf(moduleFields.members, new Map())),
  },
};
