// Reading files, by the reader process.
import { appendFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileFormat, FileRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { describe, expect, it } from 'vitest';
import { useGroupFolder } from '../../../test/support/group-folder.ts';
import { fileSource } from './source.ts';

const group = useGroupFolder();

type Read = Omit<Parameters<typeof FileRead.fromPartial>[0], 'path'>;

const source = () => fileSource(group.connection(''), group.limits());

/** Reads columns of a file there. */
const extract = (columns: string[], read: Parameters<typeof FileRead.fromPartial>[0], signal = AbortSignal.timeout(20_000)) =>
  source().extract({
    table: 't',
    columns,
    directory: group.root,
    prefix: 't-1-',
    signal,
    read: { $case: 'fileRead', value: FileRead.fromPartial({ format: FileFormat.CSV, ...read }) },
    onRows: () => {},
  });

/** Reads columns of a file; the segments as text. */
const collect = async (content: string | Buffer, columns: string[], read: Read = {}): Promise<string> => {
  await writeFile(join(group.root, 'input.x'), content);
  const segments = await extract(columns, { path: 'input.x', ...read });
  const texts = await Promise.all(segments.map(({ path }) => readFile(join(group.root, path), 'utf8')));
  return texts.join('');
};

describe('a csv file', () => {
  const cases: [name: string, content: string | Buffer, columns: string[], read: Read, rows: string][] = [
    ['has the columns that are read, in their order', 'a,b,c\n1,2,3\n', ['c', 'a'], {}, '"3","1"\n'],
    ['may be mapped', 'a,b\n1,2\n', ['x'], { columns: { x: 'b' } }, '"2"\n'],
    ['may have a column twice that is not read, or one without a name', 'a,x,x,\n1,2,3,\n', ['a'], {}, '"1"\n'],
    ['may have a header alone', 'a,b\n', ['a'], {}, ''],
    ['has no row in an empty line', 'a,b\n\n1,2\n\n', ['a', 'b'], {}, '"1","2"\n'],
    ['of one column has NULL in an empty line', 'a\n1\n\n""\n', ['a'], {}, '"1"\n\n""\n'],
    ['has names of the document where it has no header', '1;2\n', ['b'], { csv: { delimiter: ';', header: ['a', 'b'] } }, '"2"\n'],
    ['has names of the document in place of its own', 'x,y\n1,2\n', ['b'], { csv: { header: ['a', 'b'], headerRowCount: 1 } }, '"2"\n'],
    ['may have a header of several rows', 'a,b\nyears,euros\n1,2\n', ['years', 'b'], { csv: { headerRowCount: 2 } }, '"1","2"\n'],
    ['without any names has numbered ones', '1,2\n', ['x'], { csv: { headerRowCount: 0 }, columns: { x: '_col.2' } }, '"2"\n'],
    ['is decoded as declared', Buffer.from('a\n\xe5\n', 'latin1'), ['a'], { encoding: 'latin1' }, '"å"\n'],
    ['may be UTF-16', Buffer.from('\ufeffa\r\nå\r\n', 'utf16le'), ['a'], { encoding: 'utf-16' }, '"å"\n'],
  ];

  it.each(cases)('%s', async (_, content, columns, read, rows) => {
    expect(await collect(content, columns, read)).toBe(rows);
  });

  const refused: [name: string, content: string | Buffer, message: string][] = [
    ['without a byte', '', 'The file input.x has no header: it ends before it.'],
    ['without a column that is read', 'x,y\n', 'The file input.x has no column a, b.'],
    ['with a column twice that is read', 'a,b,b\n', 'The file input.x has more than once in its header: b.'],
    ['that is not UTF-8', Buffer.from('a,b\n1,2\n1,\xe5\n', 'latin1'), 'The file input.x, line 3: these bytes are not UTF-8.'],
    [
      'with rows of other lengths',
      'a,b\n1\n1,2\n1,2,3\n1\n',
      'The file input.x: 2 rows have fewer fields than the header, 1 row has more fields than the header; the first is line 2.',
    ],
    ['with a quote that is not closed', 'a,b\n1,"2\n1,2\n', 'The file input.x, line 2, column b: a quote is opened and never closed.'],
    ['with text after a quote', 'a,b\n1,"2"x\n', 'The file input.x, line 2, column b: text stands after a closing quote.'],
    [
      'with a NUL',
      'a,b\n1,2\n\0,\0\n\0,2\n',
      'The file input.x: values of column a hold a NUL character (U+0000): 2, the first in line 3.',
    ],
  ];

  it.each(refused)('%s is refused by name and line', async (_, content, message) => {
    await expect(collect(content, ['a', 'b'])).rejects.toThrow(message);
  });

  it('is refused where its encoding is unknown', async () => {
    await expect(collect('a\n', ['a'], { encoding: 'ebcdic' })).rejects.toThrow('The file input.x: its encoding is none');
  });
});

describe('a JSON file', () => {
  it('is one array, or an object a line', async () => {
    expect(await collect('[\n {"a": 1.10},\n {"a": null}\n]\n', ['a'], { format: FileFormat.JSON })).toBe('"1.10"\n\n');
    expect(await collect('{"a":"x"}\n{}\n', ['a'], { format: FileFormat.JSONL })).toBe('"x"\n\n');
  });

  it('is refused by line', async () => {
    await expect(collect('[\n{"a":1},\n7]', ['a'], { format: FileFormat.JSON })).rejects.toThrow(
      'The file input.x, line 3: a row must be an object',
    );
    await expect(collect('{"a":1}', ['a'], { format: FileFormat.JSON })).rejects.toThrow(
      'The file input.x has no array at the pointer (the whole text).',
    );
    await expect(collect('{"a":1}\n{"a":}\n', ['a'], { format: FileFormat.JSONL })).rejects.toThrow(
      'The file input.x, line 2: this is not JSON.',
    );
  });
});

it('a value beyond the limit is refused by line, in every format', async () => {
  const long = 'x'.repeat(67_108_865);
  await expect(collect(`a\n1\n${long}\n`, ['a'])).rejects.toThrow('The file input.x, line 3, column a: it is longer than 67108864 bytes.');
  await expect(collect(`{"a":"${long}"}\n`, ['a'], { format: FileFormat.JSONL })).rejects.toThrow('line 1: it is longer than');
  await expect(collect(`[{"a":"${long}"}]`, ['a'], { format: FileFormat.JSON })).rejects.toThrow('row 1 (line 1): it is longer than');
});

it.each([
  ['rewritten in place', (path: string) => writeFileSync(path, `a,b\n${'new,new\n'.repeat(2_000_000)}`)],
  ['appended to', (path: string) => appendFileSync(path, 'more,more\n')],
  ['cut', (path: string) => truncateSync(path, 9_000_001)],
  ['removed', (path: string) => rmSync(path)],
])('a file that is %s while it is read is read anew, and none of it is used', async (_name, change) => {
  const path = join(group.root, 'growing.csv');
  await writeFile(path, `a,b\n${'old,old\n'.repeat(2_000_000)}`);
  let isChanged = false;
  const reading = source().extract({
    table: 't',
    columns: ['a', 'b'],
    directory: group.root,
    prefix: 't-1-',
    signal: AbortSignal.timeout(60_000),
    read: { $case: 'fileRead', value: FileRead.fromPartial({ format: FileFormat.CSV, path: 'growing.csv' }) },
    onRows: () => {
      if (!isChanged) change(path);
      isChanged = true;
    },
  });
  await expect(reading).rejects.toMatchObject({ reason: 'SOURCE_CHANGED', transient: true });
  expect(isChanged).toBe(true);
});

it('the reader ends with its run', async () => {
  await writeFile(join(group.root, 'input.x'), 'a\n1\n');
  const reason = new Error('stopped');
  await expect(extract(['a'], { path: 'input.x' }, AbortSignal.abort(reason))).rejects.toBe(reason);
});

it('a description has the headers of csv files', async () => {
  await writeFile(join(group.root, 'one.csv'), '\uFEFFa,"b ""c"""\n1,2\n');
  await writeFile(join(group.root, 'two.csv'), '"a');
  const { tables } = await source().describe(AbortSignal.timeout(20_000));
  const columnsOf = (file: string) => tables.find(({ name }) => name === file)?.columns.map(({ name }) => name);
  expect([columnsOf('one.csv'), columnsOf('two.csv')]).toEqual([['a', 'b "c"'], []]);
});

it('reads regular files alone: neither a socket nor a folder', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(group.root, 'socket.csv'), resolve));
  await mkdir(join(group.root, 'folder.csv'));
  for (const path of ['socket.csv', 'folder.csv']) {
    await expect(extract(['id'], { path }, AbortSignal.timeout(5_000))).rejects.toMatchObject({ reason: 'FILE_KIND' });
  }
  server.close();
});

it('describes at most 500 files, and follows no link', async () => {
  await mkdir(join(group.root, 'inner'));
  await Promise.all(Array.from({ length: 501 }, (_, index) => writeFile(join(group.root, 'inner', `${index}.jsonl`), '')));
  await symlink(join(group.root, 'inner'), join(group.root, 'link'));
  await symlink(join(group.root, 'inner', '0.jsonl'), join(group.root, 'linked.jsonl'));
  const { tables, truncated } = await source().describe(AbortSignal.timeout(20_000));
  expect(tables).toHaveLength(500);
  expect(truncated).toBe(true);
  expect(tables.filter(({ name }) => name.startsWith('link'))).toEqual([]);
});
