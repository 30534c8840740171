import type { Pseudonymize } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { BaseType, DataType, Role, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteIdentifier } from '../../plan/identifiers.ts';
import { columnType, writeTextSql } from '../../plan/types.ts';
import { columnOf, project, type Relation } from './relation.ts';
import { invariant } from '../../domain/defect.ts';

const BLOCK_BYTES = 64;
const DEFAULT_LENGTH = 32;

/** Shorter tokens are checked for collisions; at this length one is not to be expected below 10⁹ values. */
export const SAFE_TOKEN_LENGTH = 20;

const hexOf = (key: Uint8Array, pad: number): string =>
  Array.from({ length: BLOCK_BYTES }, (_, index) => ((key[index] ?? 0) ^ pad).toString(16).padStart(2, '0')).join('');

/**
 * SQL of HMAC-SHA-256 (RFC 2104) of a text's UTF-8 bytes, lower-case hex, over the engine's own sha256. NULL stays NULL. The key has 1 to
 * 64 bytes; anything else is a defect, which does not show it.
 */
export const hmacSql = (text: string, key: Uint8Array): string => {
  invariant(key.length > 0 && key.length <= BLOCK_BYTES, 'the key of a pseudonym has 1 to 64 bytes');
  const inner = `sha256(unhex('${hexOf(key, 0x36)}') || encode(${text}))`;
  return `sha256(unhex('${hexOf(key, 0x5c)}') || unhex(${inner}))`;
};

export const tokenLength = ({ length }: Pseudonymize): number => (length === 0 ? DEFAULT_LENGTH : length);

/** The domain whose key makes the tokens: the first column's name where the step names none. */
export const tokenDomain = ({ domain, columns }: Pseudonymize): string => (domain === '' ? (columns[0] ?? '') : domain);

/** Pseudonymize: the columns become tokens, text with a role of their own; equal canonical texts of one domain get equal tokens. */
export const pseudonymize = (table: string, relation: Relation, step: Pseudonymize, key: Uint8Array): Relation => {
  const length = tokenLength(step);
  const expressions = new Map(
    step.columns.map((name): [string, string] => {
      const text = writeTextSql(quoteIdentifier(name), columnType(columnOf(table, relation, name)), DUCKDB);
      return [name, `left(${hmacSql(text, key)}, ${length})`];
    }),
  );
  const columns = relation.columns.map((column): Column =>
    step.columns.includes(column.name)
      ? { ...column, type: DataType.fromPartial({ base: BaseType.STRING }), role: Role.PSEUDONYM, range: undefined }
      : column,
  );
  return { query: project(relation, expressions), columns };
};
