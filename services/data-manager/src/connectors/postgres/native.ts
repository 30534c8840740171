// The types of a source's columns, which a target of the same kind has too.
import { parseNative } from '@lethe/module/native-type';
import type { Client } from 'pg';
import { stageError } from '../../domain/run-error.ts';
import { quoteIdentifier } from '../../plan/identifiers.ts';
import type { UploadTable } from '../connector.ts';

// Without their length these are of one character, or one bit.
const UNBOUNDED: Record<string, string> = { character: 'bpchar', char: 'bpchar', bit: 'varbit' };

/** A type without what stands in parentheses: of any length, or of any number of digits. */
const bareOf = (type: string): string =>
  type
    .replace(/\([0-9,]*\)/, '')
    // `interval day to minute` keeps what stands between the two.
    .replace(/^interval [a-z ]+(?=\[|$)/i, 'interval')
    .replace(/^(?:character|char|bit)(?=\[|$)/i, (name) => UNBOUNDED[name.toLowerCase()] ?? name);

/** Whether the database has a type of this name. */
export const hasType = async (client: Client, type: string): Promise<boolean> => {
  if (!parseNative(type)) return false;
  try {
    const { rows } = await client.query<{ found: boolean }>('select to_regtype($1) is not null as found', [bareOf(type)]);
    return rows[0]?.found === true;
  } catch (error) {
    // Words that are no name of a type at all.
    if ((error as { code?: unknown }).code === '42601') return false;
    throw error;
  }
};

type NativeColumn = { name: string; native: string };

// Types whose input takes a value whole or refuses it, in whatever spelling; of any other type the text must come back as it was.
const WHOLE = new Set(
  [
    'smallint|int2|integer|int|int4|bigint|int8|numeric|decimal|boolean|bool',
    'text|varchar|character varying|bpchar|varbit|bit varying|bytea|json|uuid|inet|cidr|macaddr|macaddr8',
  ].flatMap((names) => names.split('|')),
);

// Types of a base type of their own: only as elements of an array they are carried as texts.
const OF_BASE_TYPES = /^(?:date|timestamp|timestamptz|time|timestamp with(?:out)? time zone|time without time zone)$/;

// Numbers whose input rounds or wraps: what is written of the value after the cast is another number.
const ROUNDED = new Set(['real', 'float4', 'double precision', 'float8', 'oid']);

const BEYOND_MICROSECONDS = String.raw`\.[0-9]{6}[0-9]*[1-9]`;

/** Whether a value is another one in the native type; undefined where a cast refuses what it cannot hold. */
const lossSql = ({ name, native }: NativeColumn, isAtLeast16: boolean): string | undefined => {
  const text = `${quoteIdentifier(name)}::text`;
  const bare = bareOf(native);
  if (bare !== native) return `${text}::${bare}::${native} <> ${text}::${bare}`;
  const brackets = /(?:\[\])*$/.exec(native)?.[0] ?? '';
  const element = native.slice(0, native.length - brackets.length).toLowerCase();
  const written = `${text}::${native}::text`;
  if (ROUNDED.has(element)) return `${written}::numeric${brackets} <> ${text}::numeric${brackets}`;
  if (native.toLowerCase() === 'money') return `${text}::money::numeric <> translate(${text}, '$, ', '')::numeric`;
  if (element === 'interval') return `${text} ~ '${BEYOND_MICROSECONDS}'`;
  if (WHOLE.has(element) || (brackets === '' && OF_BASE_TYPES.test(element))) return undefined;
  // Of a key that stands twice jsonb keeps the last value. Servers before 16 cannot tell.
  if (native.toLowerCase() === 'jsonb') return isAtLeast16 ? `not (${text} is json with unique keys)` : undefined;
  return `${written} <> ${text}`;
};

/** Refuses values that the server would cut or round. */
const refuseLoss = async (client: Client, relation: string, table: string, columns: readonly NativeColumn[]): Promise<void> => {
  const { rows: versions } = await client.query<{ major: number }>(`select current_setting('server_version_num')::int / 10000 as major`);
  const lossy = columns.flatMap((column) => {
    const loss = lossSql(column, (versions[0]?.major ?? 0) >= 16);
    return loss === undefined ? [] : [{ column, loss }];
  });
  if (lossy.length === 0) return;
  const counts = lossy.map(({ loss }, index) => `(count(*) filter (where ${loss}))::int as c${index}`);
  const { rows } = await client.query<Record<string, number>>(`select ${counts.join(', ')} from ${relation}`);
  const failures = lossy.flatMap(({ column: { name, native } }, index) => {
    const count = rows[0]?.[`c${index}`] ?? 0;
    return count === 0 ? [] : [`column ${name}: ${count} values that ${native} does not hold`];
  });
  if (failures.length > 0) throw stageError('TARGET_CANNOT_HOLD', { table, failures: failures.join('; ') });
};

/** Gives loaded columns their native types. A value that is none of its type is refused. */
export const convertNatives = async (client: Client, relation: string, { table, columns }: UploadTable): Promise<void> => {
  const natives = columns.flatMap(({ name, type }) => (type && type.native !== '' ? [{ name, native: type.native }] : []));
  for (const { name, native } of natives)
    // The name becomes a part of statements: it is one that the server knows, and nothing else.
    if (!(await hasType(client, native))) throw stageError('TARGET_TYPE_MISSING', { table, column: name, type: native });
  if (natives.length === 0) return;
  await refuseLoss(client, relation, table, natives);
  const changes = natives.map(({ name, native }) => {
    const column = quoteIdentifier(name);
    return `alter column ${column} type ${native} using ${column}::text::${native}`;
  });
  await client.query(`alter table ${relation} ${changes.join(', ')}`);
};
