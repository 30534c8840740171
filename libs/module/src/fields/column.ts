// The fields of a column: its type, its role, and the rules for its values.
import {
  CastPolicy,
  EmptyStrategy,
  RangeStrategy,
  type CastRule,
  type EmptyRule,
  type RangeRule,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import {
  BaseType,
  Normalization,
  Role,
  type Column,
  type DataType,
  type Generalization,
  type ValueFormat,
} from '@lethe/contracts/gen/lethe/module/v1/schema';
import { choice, flag, integer, name, optionalText, text, texts, type Field } from './field.ts';
import { inline, nested, nestedOrText, shape, within } from './shape.ts';
import { enumWords } from './words.ts';

export const BASE_TYPES = enumWords('BaseType', BaseType, 'lowerCamel', {
  DATETIME: 'dateTime',
  DATETIMESTAMP: 'dateTimeStamp',
  BINARY: 'hexBinary',
});
export const ROLES = enumWords('Role', Role, 'kebab');
const EMPTY_STRATEGIES = enumWords('EmptyStrategy', EmptyStrategy);
const CAST_POLICIES = enumWords('CastPolicy', CastPolicy);
const RANGE_STRATEGIES = enumWords('RangeStrategy', RangeStrategy);

const NORMALIZATIONS = enumWords('Normalization', Normalization, 'UpperCamel', { NFC: 'NFC' });

const DATATYPE = { meaning: 'The type of the values, and the bounds of the range rule.', iri: 'csvw:datatype', required: true } as const;

const valueFormat = shape<ValueFormat>({
  pattern: text('pattern', {
    meaning:
      'Dates and times: `yyyy`, `MM`, `M`, `dd`, `d`, `HH`, `mm`, `ss`, `S`, `X`. Numbers: such as `#,##0.00`. Booleans: true and false, as `Y|N`.',
    iri: 'csvw:pattern',
    example: 'dd/MM/yyyy',
    maxLength: 64,
  }),
  decimalChar: text('decimalChar', {
    meaning: 'Numbers: the character before the fraction.',
    iri: 'csvw:decimalChar',
    example: ',',
    fallback: '`.`',
    maxLength: 1,
  }),
  groupChar: text('groupChar', {
    meaning: 'Numbers: the character between groups of digits.',
    iri: 'csvw:groupChar',
    example: '.',
    fallback: 'none; `,` where the pattern has groups',
    maxLength: 1,
  }),
});

const dataType = shape<DataType>({
  base: choice('base', BASE_TYPES, { meaning: 'The base type, named as in CSVW.', iri: 'csvw:base', required: true }),
  precision: integer('decimalDigits', { meaning: 'Decimals: digits in all.', min: 1, max: 38, example: 12, fallback: '38' }),
  scale: integer('fractionDigits', { meaning: 'Decimals: digits after the point.', max: 38, example: 2, fallback: '0' }),
  native: text('native', {
    meaning:
      "The source's type, as DescribeConnection names it: a target of the same kind has the column in it, another one in its type for the base type. It must be there in the target.",
    example: 'character varying(20)',
    fallback: "the target's type for the base type",
    maxLength: 128,
  }),
  format: nestedOrText('format', valueFormat, 'pattern', {
    meaning: 'How the sources write the values; a text is the pattern.',
    fallback: 'the canonical form',
  }),
});

const emptyRule = shape<EmptyRule>({
  nullMarkers: texts('null', { meaning: 'Texts that stand for an empty value.', iri: 'csvw:null', example: ['?', ''] }),
  strategy: choice('emptyStrategy', EMPTY_STRATEGIES, {
    meaning: 'What happens to an empty value: NULL, or a null marker.',
    fallback: '`Ignore`',
    absent: EmptyStrategy.IGNORE,
  }),
  replacement: text('replacement', {
    meaning: '`ReplaceWith` of empty values: the value in their place.',
    example: '0',
    needs: ['emptyStrategy'],
  }),
});

const castRule = shape<CastRule>({
  policy: choice('castPolicy', CAST_POLICIES, {
    meaning: 'What happens to a text that cannot be read as the type.',
    fallback: '`Fail`',
    absent: CastPolicy.FAIL,
  }),
  replacement: text('castReplacement', {
    meaning: '`ReplaceWith` of unreadable values: the value in their place.',
    example: '0',
    needs: ['castPolicy'],
  }),
});

const bound = (word: string, meaning: string, example: string): Field<string | undefined> =>
  within('datatype', optionalText(word, { meaning, example, iri: `csvw:${word}` }), DATATYPE);

const rangeRule = shape<RangeRule>({
  minimum: bound('minimum', 'The lowest allowed value.', '17'),
  maximum: bound('maximum', 'The highest allowed value.', '85'),
  minExclusive: bound('minExclusive', 'A value that all allowed ones are above.', '16'),
  maxExclusive: bound('maxExclusive', 'A value that all allowed ones are below.', '86'),
  strategy: choice('rangeStrategy', RANGE_STRATEGIES, { meaning: 'What happens to a value out of range; required with a bound.' }),
});

const generalization = shape<Generalization>({
  hierarchy: text('hierarchy', {
    meaning: 'The name of the hierarchy; `intervals`, `dates` or `prefix` for the other schemes.',
    example: 'education',
    required: true,
    minLength: 1,
  }),
  level: integer('level', { meaning: 'The level of the values.', max: 64, example: 2, fallback: '0, the value itself' }),
});

/** A column. */
export const column = shape<Column>({
  name: name('name', { meaning: 'The name of the column.', iri: 'schema_:name', example: 'age', required: true }),
  description: text('description', { meaning: 'What the column holds.', iri: 'schema_:description', example: 'Age in years.' }),
  type: within('datatype', inline(dataType, 'base'), DATATYPE),
  role: choice('role', ROLES, { meaning: 'What the column says about a person.', required: true }),
  trim: flag('trim', { meaning: 'Text: blanks are cut from both ends before null markers are recognised.' }),
  normalize: choice('normalize', NORMALIZATIONS, {
    meaning: 'Text: the Unicode normal form that values are brought into first.',
    fallback: 'none',
  }),
  emptyIsNull: flag('emptyIsNull', {
    meaning: 'Text: the empty text counts as an empty value, as it does for every other type.',
  }),
  empty: inline(emptyRule, 'strategy', 'nullMarkers'),
  cast: inline(castRule, 'policy'),
  generalization: nested('generalization', generalization, {
    meaning: 'Published documents: how the values were made less specific.',
  }),
  range: inline(rangeRule, 'strategy', 'minimum', 'maximum', 'minExclusive', 'maxExclusive'),
});
