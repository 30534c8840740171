// The fields of a document as a whole.
import type { Module, Provenance } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { anonymization } from './anonymization.ts';
import { text, textMap, texts } from './field.ts';
import { protocol, upload } from './protocol.ts';
import { list, nested, shape } from './shape.ts';
import { table } from './table.ts';

const provenance = shape<Provenance>({
  version: text('version', { meaning: 'The version that the document describes.', iri: 'schema_:version', example: '1.2.0' }),
  previousVersion: text('previousVersion', { meaning: 'The version before.', example: '1.1.0' }),
  runId: text('run', { meaning: 'The run that made it.', example: '0192f0c0-0000-7000-8000-000000000001' }),
  moduleId: text('module', { meaning: 'The data module that it is a version of.', example: '0192f0c0-0000-7000-8000-000000000001' }),
  contentHashes: textMap('contentHashes', { meaning: 'Hash of the rows by table, whatever their order.', example: { person: '9f86d081' } }),
});

/** A data module. */
export const moduleFields = shape<Module>({
  name: text('name', { meaning: 'The name of the module.', iri: 'schema_:name', example: 'census', required: true, minLength: 1 }),
  description: text('description', {
    meaning: 'What the module is about.',
    iri: 'schema_:description',
    example: 'People and their countries.',
  }),
  license: text('license', { meaning: 'The license of the data.', iri: 'schema_:license', example: 'CC-BY-4.0' }),
  creator: text('creator', { meaning: 'Who made the data.', iri: 'schema_:creator', example: 'Statistics Office' }),
  keywords: texts('keywords', { meaning: 'Words to find the module by.', iri: 'schema_:keywords', example: ['census', 'people'] }),
  tables: list('tables', table, {
    meaning: 'The tables of the module.',
    iri: 'csvw:table',
    required: true,
    minItems: 1,
    maxItems: 1000,
    ordered: true,
  }),
  protocol,
  upload,
  anonymization: nested('anonymization', anonymization, { meaning: 'What happens to personal data.', always: true }),
  provenance: nested('provenance', provenance, { meaning: 'Where a published document came from.', always: true }),
});
