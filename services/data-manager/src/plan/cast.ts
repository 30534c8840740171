import { CastPolicy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { quoteLiteral } from './identifiers.ts';
import { columnType, readTextSql } from './types.ts';

/** What happens to a row whose value cannot be read: it is dropped, the run `fails` with it, or it stays with a replacement or NULL. */
export type CastEffect = { drops: boolean; fails: boolean; replaces: boolean };

// A rule without a policy fails, as a column without a rule does.
const POLICIES: Record<CastPolicy, CastEffect> = {
  [CastPolicy.UNSPECIFIED]: { drops: true, fails: true, replaces: false },
  [CastPolicy.FAIL]: { drops: true, fails: true, replaces: false },
  [CastPolicy.DROP_RECORD]: { drops: true, fails: false, replaces: false },
  [CastPolicy.NULL]: { drops: false, fails: false, replaces: false },
  [CastPolicy.REPLACE_WITH]: { drops: false, fails: false, replaces: true },
};

/** The effect of the policy in force: a column without a rule fails. */
export const castEffect = (column: Column): CastEffect => POLICIES[column.cast?.policy ?? CastPolicy.FAIL];

/** The replacements that a column's cast rule writes out. */
export const castLiterals = (column: Column): string[] => (castEffect(column).replaces ? [column.cast?.replacement ?? ''] : []);

/** Text columns take every text as it is. */
export const canFailCast = (column: Column): boolean => columnType(column).base !== BaseType.STRING;

/** SQL of the cast of a text, NULL where it fails. */
export const castSql = (text: string, column: Column, dialect: Dialect): string => readTextSql(text, columnType(column), dialect);

/** SQL that is true where the cast of `text` to `value` failed. */
export const castFailedSql = (text: string, value: string): string => `(${text} IS NOT NULL AND ${value} IS NULL)`;

/** SQL of the value after the policy: the replacement where the cast failed, else the value itself, which is NULL there. */
export const afterCastSql = (value: string, failed: string, column: Column, dialect: Dialect): string =>
  castEffect(column).replaces
    ? `CASE WHEN ${failed} THEN ${readTextSql(quoteLiteral(column.cast?.replacement ?? ''), columnType(column), dialect)} ELSE ${value} END`
    : value;
