// docs/document.md, made of the table of fields.
import { commentOf } from '@lethe/contracts/comment';
import { registry } from '@lethe/contracts/registry';
import type { Members, Row } from './fields/field.ts';
import { rowsOf } from './fields/members.ts';
import { moduleFields } from './fields/module.ts';

const HEAD = `# The document of a data module

A data module is written as one JSON-LD 1.1 document with \`"@context": "urn:lethe:context:1"\` and \`"@type": ["Dataset", "DataModule"]\`. \`ExtDatamoduleManager.CreateDataModule\` takes it,
\`UpdateDataModule\` replaces it, and each version that a run uploads has one of its own, which \`CreateDataModule\` takes as it is. A word that is not below is refused with its JSON pointer,
since it would vanish. Values of columns (bounds, replacements) are texts in the form of the column's type. Where a word is chosen from several, the spelling of proto JSON is accepted too
(\`EMPTY_STRATEGY_REPLACE_WITH\` for \`ReplaceWith\`); documents are written with the words below.

The tables are made from \`libs/module/src/fields/\`; after a change there, \`npm test -- --project pure libs/module -u\` writes them again.
`;

/** A value that a word may have; undefined for objects and flags. */
export const exampleOf = ({ example, values, schema }: Row): unknown => {
  const [word] = values?.words ?? [];
  return example ?? (word !== undefined && schema['type'] === 'array' ? [word] : word);
};

const sentence = ({ meaning, fallback, needs, only, required }: Row, choice: readonly string[] | undefined): string =>
  [
    meaning,
    ...(required ? ['Required.'] : []),
    ...(fallback === undefined ? [] : [`Where absent: ${fallback}.`]),
    ...(needs ? [`Requires ${needs.map((word) => `\`${word}\``).join(', ')}.`] : []),
    ...(only === undefined ? [] : [`Only with \`${only}\`.`]),
    ...(choice ? [`Exactly one of ${choice.map((word) => `\`${word}\``).join(', ')}.`] : []),
  ].join(' ');

const wordRow = (row: Row, members: Members): string => {
  const choice = members.choices.find((words) => words.includes(row.word));
  return `| \`${row.word}\` | ${row.kind} | ${sentence(row, choice)} | ${row.members || exampleOf(row) === undefined ? '' : `\`${JSON.stringify(exampleOf(row))}\``} |`;
};

const valueRows = ({ word, values }: Row): string[] => {
  const type = values && registry.getEnum(values.typeName);
  if (!values || !type) return [];
  const meanings = type.values
    .filter(({ number }) => number !== 0)
    .map((value) => `| \`${values.toWord(value.number) ?? ''}\` | ${commentOf(type, value)} |`);
  return ['', `| \`${word}\` | meaning |`, '|---|---|', ...meanings];
};

const section = (title: string, members: Members): string[] => {
  const rows = rowsOf(members);
  const path = title === 'The document' ? '' : `${title}.`;
  const inner = { one: '', list: '[]', map: '{}' };
  return [
    `## ${title === 'The document' ? title : `\`${title}\``}`,
    '',
    '| word | value | meaning | example |',
    '|---|---|---|---|',
    ...rows.map((row) => wordRow(row, members)),
    ...rows.flatMap(valueRows),
    '',
    ...rows.flatMap((row) => (row.members ? section(`${path}${row.word}${inner[row.holds ?? 'one']}`, row.members) : [])),
  ];
};

/** The whole page. */
export const documentPage = (): string => [HEAD, ...section('The document', moduleFields.members)].join('\n');
