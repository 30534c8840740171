import { CastPolicy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { quoteLiteral } from './identifiers.ts';
import { columnType, readTextSql } from './types.ts';

/** The policy in force: a column without a rule fails. */
export const castPolicy = (column: Column): CastPolicy => column.cast?.policy ?? CastPolicy.FAIL;

/** Text columns take every text as it is. */
export const canFailCast = (column: Column): boolean => columnType(column).base !== BaseType.STRING;

/** SQL of the cast of a text, NULL where it fails. */
export const castSql = (text: string, column: Column, dialect: Dialect): string => readTextSql(text, columnType(column), dialect);

/** SQL that is true where the cast of `text` to `value` failed. */
export const castFailedSql = (text: string, value: string): string => `(${text} IS NOT NULL AND ${value} IS NULL)`;

/** SQL of the value after the policy: the replacement where the cast failed, else the value itself, which is NULL there. */
export const afterCastSql = (value: string, failed: string, column: Column, dialect: Dialect): string =>
  castPolicy(column) === CastPolicy.REPLACE_WITH
    ? `CASE WHEN ${failed} THEN ${readTextSql(quoteLiteral(column.cast?.replacement ?? ''), columnType(column), dialect)} ELSE ${value} END`
    : value;
