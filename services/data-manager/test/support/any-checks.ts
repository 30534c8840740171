// For tests: what must hold of a published module, asked in plain SQL at its target.
import { keyOf, referenceColumn, type AnyModule } from './any-module.ts';

/** Queries that count what breaks a rule, each with what it is about. `stored` are the names of the tables at the target. */
export const checksOf = ({ tables }: AnyModule, stored: readonly string[]): { about: string; sql: string }[] =>
  tables.flatMap((table, index) => {
    const own = stored[index] ?? '';
    const checks: { about: string; sql: string }[] = [];
    // A key with a generalized column is none of the result.
    if (table.key !== '' && !(table.isComposite && table.k > 0))
      checks.push({
        about: `key of t${index}`,
        sql: `select count(*) - count(distinct (${keyOf(table).join(', ')})) as broken from ${own}`,
      });
    if (table.range !== '')
      checks.push({ about: `range of t${index}`, sql: `select count(*) as broken from ${own} where n not between 0 and 50` });
    if (table.isRequired)
      checks.push({ about: `required column of t${index}`, sql: `select count(*) as broken from ${own} where v is null` });
    if (table.k > 0)
      checks.push({
        about: `k of t${index}`,
        sql: `select count(*) as broken from (select 1 from ${own} group by q having count(*) < ${table.k}) as small`,
      });
    table.references.forEach(({ parent, nullReference }, place) => {
      const column = referenceColumn(place);
      checks.push({
        about: `reference ${column} of t${index}`,
        sql: `select count(*) as broken from ${own} as child where ${column} is not null and not exists (select 1 from ${stored[parent] ?? ''} as parent where parent.id = child.${column})`,
      });
      if (nullReference === 'drop')
        checks.push({
          about: `empty reference ${column} of t${index}`,
          sql: `select count(*) as broken from ${own} where ${column} is null`,
        });
    });
    return checks;
  });
