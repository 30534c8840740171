// What the same machine does with the same table when nothing is guaranteed.
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { withClient } from '@lethe/servers/provision';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** COPY of a table into a csv file, over one connection; returns the number of rows. */
export const copyOut = (url: string, table: string, path: string): Promise<number> =>
  withClient(url, async (client) => {
    const stream = client.query(copyTo(`copy ${table} to stdout (format csv)`));
    await pipeline(stream, createWriteStream(path));
    return stream.rowCount;
  });

/** A table of a database. */
type TableAt = { url: string; table: string };

/** COPY of a csv file into a fresh table with the columns of another. */
export const copyIn = async ({ url, table }: TableAt, like: TableAt, path: string): Promise<void> => {
  const columns = await withClient(like.url, async (client) => {
    const { rows } = await client.query<{ name: string; type: string }>(
      `select quote_ident(attname) as name, format_type(atttypid, atttypmod) as type from pg_attribute
       where attrelid = $1::regclass and attnum > 0 order by attnum`,
      [like.table],
    );
    return rows.map(({ name, type }) => `${name} ${type}`).join(', ');
  });
  await withClient(url, async (client) => {
    await client.query(`drop table if exists ${table}`);
    await client.query(`create table ${table} (${columns})`);
    await pipeline(createReadStream(path), client.query(copyFrom(`copy ${table} from stdin (format csv)`)));
  });
};

// The rules of the example by hand: markers, casts, ranges, one row a key, then fixed generalization, groups, and the rows of large ones.
const CLEAN = `
create table clean as
select distinct on (person_id) person_id, age, sex, race, coalesce(nullif(occupation, '?'), 'Unknown') as occupation,
       least(greatest(hours, 1), 80) // 20 as hours, class
from (select try_cast(column00 as bigint) as person_id, try_cast(trim(column01) as integer) as age, trim(column02) as workclass,
             trim(column07) as occupation, trim(column09) as race, trim(column10) as sex, try_cast(trim(column13) as integer) as hours,
             trim(column15) as class
      from read_csv($csv$PATH$csv$, header = false, all_varchar = true))
where workclass <> '?' and age between 17 and 85`;
const GROUPED = `
select hash(person_id) as token, age // 20 as age, sex, race, hours, class from clean
semi join (select age // 20 as age, sex, race, hours from clean group by all having count(*) >= 10) as large
  on clean.age // 20 = large.age and clean.sex = large.sex and clean.race = large.race and clean.hours = large.hours`;

/** DuckDB in this process over the csv file: clean, group, write Parquet. Two threads, as many as a run has. */
export const runDuckDb = async (csv: string, parquet: string): Promise<void> => {
  await rm(parquet, { force: true });
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    await connection.run(CLEAN.replace('PATH', csv));
    await connection.run(`copy (${GROUPED}) to '${parquet}' (format parquet, compression zstd)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};
