// What is at the target under a name: whose it is, what others have attached to it, and what of that is carried over.
import type { Client } from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../plan/identifiers.ts';
import { stageError } from '../../domain/run-error.ts';
import { isOwnedBy, qualified, type Place } from './ledger.ts';

/** A relation at the target. */
export type Relation = { oid: string; kind: string; isMine: boolean };

/** The relation of a name, or undefined where the name is free. A type of that name takes it too. */
export const findRelation = async (client: Client, schema: string, name: string): Promise<Relation | undefined> => {
  const { rows } = await client.query<{ oid: string; kind: string; mine: boolean }>(
    `select c.oid::text, c.relkind::text as kind, pg_has_role(c.relowner, 'usage') as mine
       from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
     union all
     select t.oid::text, 'type', false from pg_type t join pg_namespace n on n.oid = t.typnamespace
       where n.nspname = $1 and t.typname = $2 and t.typrelid = 0 and t.typelem = 0`,
    [schema, name],
  );
  const [row] = rows;
  return row && { oid: row.oid, kind: row.kind, isMine: row.mine };
};

/** What an upload wants of a name. */
export type Claim = { moduleId: string; runId: string; schema: string; name: string; table: string; replace: boolean };

/** The relation that an upload replaces, or undefined for a free name. Refuses what no upload of this module made, in this mode. */
export const claimName = async (client: Client, place: Place, claim: Claim): Promise<Relation | undefined> => {
  const found = await findRelation(client, claim.schema, claim.name);
  if (!found) return undefined;
  const isOurs = found.kind === (claim.replace ? 'r' : 'v') && found.isMine && (await isOwnedBy(client, place, claim));
  if (!isOurs) throw stageError('TARGET_NAME_TAKEN', { object: `${claim.schema}.${claim.name}` });
  return found;
};

// Everything that would go, or stop a DROP, with a relation of this oid; `$2` are the relations of the same upload.
const ATTACHED = `
  select distinct 'the view ' || n.nspname || '.' || c.relname as name
    from pg_depend d join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
    where d.refclassid = 'pg_class'::regclass and d.refobjid = $1::oid and c.oid <> $1::oid and not c.oid = any($2::oid[])
  union select 'the table ' || n.nspname || '.' || c.relname from pg_constraint k join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and k.confrelid = $1::oid and k.conrelid <> $1::oid and not k.conrelid = any($2::oid[])
  union select 'the function ' || p.proname from pg_depend d join pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
    where d.refclassid = 'pg_class'::regclass and d.refobjid = $1::oid
       or d.refclassid = 'pg_type'::regclass and d.refobjid = (select reltype from pg_class where oid = $1::oid)
  union select 'the table ' || n.nspname || '.' || c.relname from pg_depend d join pg_class c on d.classid = 'pg_class'::regclass and c.oid = d.objid
    join pg_namespace n on n.oid = c.relnamespace
    where d.refclassid = 'pg_type'::regclass and d.refobjid = (select reltype from pg_class where oid = $1::oid)
  union select 'the table ' || n.nspname || '.' || c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    join pg_namespace n on n.oid = c.relnamespace where i.inhparent = $1::oid
  union select 'the trigger ' || tgname from pg_trigger where tgrelid = $1::oid and not tgisinternal
  union select 'the policy ' || polname from pg_policy where polrelid = $1::oid
  union select 'the publication ' || p.pubname from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where r.prrelid = $1::oid
  union select 'the rule ' || rulename from pg_rewrite where ev_class = $1::oid and rulename <> '_RETURN'
  union select 'the index ' || c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = $1::oid and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = $1::oid)
  union select 'the constraint ' || conname from pg_constraint
    where conrelid = $1::oid and contype in ('c', 'u', 'x') order by 1`;

/** What others have attached to a relation, in words; `own` are the oids of relations of the same upload. */
export const attachedTo = async (client: Client, oid: string, own: readonly string[]): Promise<string[]> =>
  (await client.query<{ name: string }>(ATTACHED, [oid, [...own]])).rows.map(({ name }) => name);

/** Statements that give a new relation the grants and comments of an old one. */
export const carryOver = async (client: Client, oid: string, target: string, columns: ReadonlySet<string>): Promise<string[]> => {
  const grants = await client.query<{ grantee: string | null; right: string; grantable: boolean; column: string | null }>(
    `select r.rolname as grantee, a.privilege_type as right, a.is_grantable as grantable, x.column
     from (
       select relacl as acl, relowner as owner, null::text as column from pg_class where oid = $1::oid
       union all select attacl, c.relowner, attname::text from pg_attribute join pg_class c on c.oid = attrelid
         where attrelid = $1::oid and attnum > 0 and not attisdropped) x
     cross join lateral aclexplode(x.acl) a left join pg_roles r on r.oid = a.grantee where a.grantee <> x.owner`,
    [oid],
  );
  const statements = grants.rows
    .filter(({ column }) => column === null || columns.has(column))
    .map(
      ({ grantee, right, grantable, column }) =>
        `grant ${right}${column === null ? '' : ` (${quoteIdentifier(column)})`} on ${target} to ${grantee === null ? 'public' : quoteIdentifier(grantee)}${grantable ? ' with grant option' : ''}`,
    );
  const comments = await client.query<{ column: string | null; text: string }>(
    `select a.attname::text as column, d.description as text from pg_description d
     left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
     where d.classoid = 'pg_class'::regclass and d.objoid = $1::oid`,
    [oid],
  );
  for (const { column, text } of comments.rows)
    if (column === null || columns.has(column))
      statements.push(
        `comment on ${column === null ? '{kind}' : 'column'} ${target}${column === null ? '' : `.${quoteIdentifier(column)}`} is ${quoteLiteral(text)}`,
      );
  return statements;
};

/** The columns of a relation with their types and whether they may be empty, and its primary key: what must be equal for rows to change places. */
export const shapeOf = async (client: Client, schema: string, name: string): Promise<string> => {
  const { rows } = await client.query<{ shape: string }>(
    `select coalesce((select json_agg(json_build_array(attname, format_type(atttypid, atttypmod), attnotnull) order by attnum)
         from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)::text, '')
       || coalesce((select pg_get_constraintdef(oid) from pg_constraint where conrelid = c.oid and contype = 'p'), '') as shape
     from pg_class c where c.oid = ${quoteLiteral(qualified(schema, name))}::regclass`,
  );
  return rows[0]?.shape ?? '';
};
