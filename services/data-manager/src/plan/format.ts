// Texts in the form of a source → texts in the canonical form of their type.
import type { DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { readFormat, type DatePart, type NumberForm, type ValueForm } from '@lethe/module/value-format';
import { invariant } from '../domain/defect.ts';
import type { Dialect } from './dialect.ts';
import { quoteLiteral } from './identifiers.ts';

const escapePattern = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9]/g, (character) => `\\x{${character.codePointAt(0)?.toString(16) ?? ''}}`);

const partPattern = (part: DatePart): string => {
  switch (part.kind) {
    case 'literal':
      return escapePattern(part.text);
    case 'fraction':
      return String.raw`(\.[0-9]{1,${part.digits}})?`;
    case 'zone':
      return '(Z|[+-][0-9]{2}(?::?[0-9]{2})?)';
    default:
      return part.digits === 1 ? '([0-9]{1,2})' : `([0-9]{${part.digits}})`;
  }
};

const DATE_PARTS = ['year', 'month', 'day'] as const;
const TIME_PARTS = ['hour', 'minute', 'second'] as const;

/** A pattern of a whole text, and the canonical text of its parts. */
type Conversion = { pattern: string; text: (expression: string) => string };

const dateConversion = (parts: readonly DatePart[], dialect: Dialect): Conversion => {
  const pattern = parts.map(partPattern).join('');
  const groups = parts.filter(({ kind }) => kind !== 'literal').map(({ kind }) => kind);
  const text = (expression: string): string => {
    const group = (kind: DatePart['kind']): string => dialect.group(expression, pattern, groups.indexOf(kind) + 1);
    const join = (kinds: readonly DatePart['kind'][], separator: string): string[] => {
      const given = kinds
        .filter((kind) => groups.includes(kind))
        .map((kind) => (kind === 'year' ? group(kind) : dialect.padTwo(group(kind))));
      return given.length === 0 ? [] : [given.join(` || '${separator}' || `)];
    };
    const time = join(TIME_PARTS, ':').map((value) => (groups.includes('fraction') ? `${value} || ${group('fraction')}` : value));
    const zone = groups.includes('zone') ? ` || ${group('zone')}` : '';
    return `${[...join(DATE_PARTS, '-'), ...time].join(` || ' ' || `)}${zone}`;
  };
  return { pattern, text };
};

const numberConversion = ({ decimal, group, minWhole, minFraction, maxFraction, hasExponent }: NumberForm): Conversion => {
  const separator = escapePattern(group);
  const plain = `[0-9]{${Math.max(minWhole, 1)},}`;
  const whole = group === '' ? plain : `(?:${plain}|[0-9]{1,3}(?:${separator}[0-9]{3})+)`;
  const digits = `${escapePattern(decimal)}[0-9]{${minFraction},${maxFraction ?? ''}}`;
  const fraction = maxFraction === 0 ? '' : minFraction > 0 ? digits : `(?:${digits})?`;
  const ungrouped = (expression: string): string => (group === '' ? expression : `replace(${expression}, ${quoteLiteral(group)}, '')`);
  return {
    pattern: `[+-]?${whole}${fraction}${hasExponent ? '(?:[eE][+-]?[0-9]+)?' : ''}`,
    text: (expression) => `replace(${ungrouped(expression)}, ${quoteLiteral(decimal)}, '.')`,
  };
};

const booleanConversion = (yes: string, no: string): Conversion => ({
  pattern: `${escapePattern(yes)}|${escapePattern(no)}`,
  text: (expression) => `CASE ${expression} WHEN ${quoteLiteral(yes)} THEN 'true' ELSE 'false' END`,
});

const conversionOf = (form: ValueForm, dialect: Dialect): Conversion => {
  switch (form.kind) {
    case 'dates':
      return dateConversion(form.parts, dialect);
    case 'number':
      return numberConversion(form.form);
    case 'boolean':
      return booleanConversion(form.yes, form.no);
  }
};

/**
 * SQL of the canonical text of a value that a source writes in the type's format. A text that is not in the format becomes one that no type
 * is read from, so that it fails the cast and is counted, even where it is in the canonical form by chance.
 */
export const canonicalTextSql = (expression: string, type: DataType, dialect: Dialect): string => {
  if (!type.format) return expression;
  const form = readFormat(type);
  invariant(form, 'a format was not checked before');
  const { pattern, text } = conversionOf(form, dialect);
  return `CASE WHEN ${dialect.matches(expression, pattern)} THEN ${text(expression)} ELSE '?' || ${expression} END`;
};
