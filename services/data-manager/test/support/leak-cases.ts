// Texts that a value, a script or a foreign server can choose, and the ways by which each could come into something that is kept. A new way is a line here.
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Where the rows of a case come from: a table that SQL makes, a server, or the content of a file. `mark` is the text that must come nowhere. */
export type LeakSource =
  | { kind: 'sql'; statements: (schema: string, mark: string) => string; query?: (schema: string) => string }
  | { kind: 'http'; respond: (response: ServerResponse, mark: string) => void; script?: string }
  | { kind: 'tcp'; type: 'postgres' | 'http'; respond: (mark: string) => Buffer }
  | { kind: 'file'; content: (mark: string) => string; format: 'csv' | 'jsonl' | 'json' };

/** One way. `transform` is a script over the rows; `waits`: the run is tried again, and says for what it waits. */
export type LeakCase = {
  name: string;
  source: LeakSource;
  transform?: { language: 'TYPESCRIPT' | 'SQL'; content: string; type?: string };
  reason: string;
  waits?: boolean;
  /** The text must be as short as a SQLSTATE. */
  isShort?: boolean;
};

const TABLE: LeakSource = {
  kind: 'sql',
  statements: (schema, mark) => `create table ${schema}.people as select '${mark}'::text as name`,
};

const thrown = (name: string, body: string, reason = 'SCRIPT_FAILED'): LeakCase => ({
  name: `a script: ${name}`,
  source: TABLE,
  transform: { language: 'TYPESCRIPT', content: `export default async (row) => {\n  ${body}\n  return row;\n};` },
  reason,
});

const SCRIPTS: LeakCase[] = [
  thrown('the message of its error', 'throw new Error(row.name);'),
  thrown('the name of its error', "throw Object.assign(new Error('x'), { name: row.name });"),
  thrown('the stack of its error', "throw Object.assign(new Error('x'), { stack: `${row.name}\\n    at ${row.name}:1:1` });"),
  thrown('the cause of its error', 'throw new AggregateError([new Error(row.name)], row.name, { cause: row.name });'),
  thrown('a class of its own', 'throw new ({ [row.name]: class extends Error {} }[row.name])(row.name);'),
  thrown('something thrown that is no error', 'throw row.name;'),
  thrown('what it writes to the console', "console.log(row.name); console.error(row.name); throw new Error('x');", 'SCRIPT_FAILED'),
  thrown(
    'a report of its own end',
    'Deno.stderr.writeSync(new TextEncoder().encode(`{"kind":"${row.name}","line":1,"text":"${row.name}"}\\n`)); Deno.exit(1);',
  ),
  thrown('the title of its process', "globalThis.process.title = row.name; throw new Error('x');"),
  thrown('the name of a column that it returns', 'return { ...row, [row.name]: 1 };', 'SCRIPT_COLUMNS_UNDECLARED'),
  thrown('a text in the place of a row', 'return row.name;'),
  thrown('a line that is no row', 'Deno.stdout.writeSync(new TextEncoder().encode(`${row.name}\\n`));'),
  {
    name: 'a script: a value of another type',
    source: TABLE,
    transform: { language: 'TYPESCRIPT', content: 'export default (row) => row;', type: 'integer' },
    reason: 'SCRIPT_VALUES_INVALID',
  },
  {
    name: 'a statement: a value that cannot be converted',
    source: TABLE,
    transform: { language: 'SQL', content: 'SELECT CAST(CAST(name AS INTEGER) AS VARCHAR) AS name\nFROM people' },
    reason: 'ENGINE_CONVERSION',
  },
];

const raising = (using: string): LeakSource => ({
  kind: 'sql',
  statements: (schema, mark) => `
    create function ${schema}.fail() returns text language plpgsql as $$
      begin raise notice '${mark}'; raise warning '${mark}'; raise exception using ${using.replaceAll('MARK', mark)}; end $$;
    create view ${schema}.people as select ${schema}.fail() as name`,
});

const DATABASES: LeakCase[] = [
  {
    name: 'a database: message, detail, hint, names and notices of an error',
    source: raising(
      "message = 'MARK', detail = 'MARK', hint = 'MARK', column = 'MARK', constraint = 'MARK', table = 'MARK', schema = 'MARK'",
    ),
    reason: 'POSTGRES_RAISED',
  },
  {
    name: 'a database: the code of an error',
    source: raising("errcode = 'MARK', message = 'x'"),
    reason: 'POSTGRES_PROTOCOL',
    isShort: true,
  },
  {
    name: 'a database: the value that an error quotes',
    source: { kind: 'sql', statements: (schema, mark) => `create view ${schema}.people as select ('${mark}'::text)::int::text as name` },
    reason: 'POSTGRES_VALUE_REFUSED',
  },
  {
    name: 'a query: the value that an error quotes',
    source: { ...TABLE, query: (schema) => `SELECT name::int::text AS name\nFROM ${schema}.people` },
    reason: 'POSTGRES_VALUE_REFUSED',
  },
];

const field = (type: string, text: string): Buffer => Buffer.concat([Buffer.from(type), Buffer.from(text), Buffer.from([0])]);

const message = (type: string, body: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), size, body]);
};

const report = (type: 'E' | 'N', fields: Record<string, string>): Buffer =>
  message(type, Buffer.concat([...Object.entries(fields).map(([key, text]) => field(key, text)), Buffer.from([0])]));

const SERVERS: LeakCase[] = [
  {
    name: 'a server that speaks like Postgres: every field of its error',
    source: {
      kind: 'tcp',
      type: 'postgres',
      respond: (mark) =>
        Buffer.concat([
          report('N', { S: mark, C: mark, M: mark }),
          message('S', Buffer.from(`${mark}\0${mark}\0`)),
          report('E', {
            S: mark,
            V: mark,
            C: mark,
            M: `${mark}\n    at ${mark} (/${mark}.ts:1:1)`,
            D: mark,
            H: mark,
            P: mark,
            R: mark,
            F: mark,
            L: mark,
          }),
        ]),
    },
    reason: 'POSTGRES_PROTOCOL',
  },
  {
    name: 'a server that speaks like Postgres: a code that looks like one of Node',
    source: { kind: 'tcp', type: 'postgres', respond: (mark) => report('E', { S: 'FATAL', C: `ERR_${mark}`, M: mark }) },
    reason: 'POSTGRES_PROTOCOL',
  },
  {
    name: 'a server that speaks no HTTP',
    source: { kind: 'tcp', type: 'http', respond: (mark) => Buffer.from(`${mark}\r\n\r\n`) },
    reason: 'HTTP_PROTOCOL',
  },
];

const http = (name: string, reason: string, respond: (response: ServerResponse, mark: string) => void): LeakCase => ({
  name: `an HTTP server: ${name}`,
  source: { kind: 'http', respond },
  reason,
});

const json = { 'content-type': 'application/json' };

const PAGES: LeakCase[] = [
  http('the text of its status, a header and the body', 'HTTP_STATUS', (response, mark) => {
    response.writeHead(404, mark, { 'x-text': mark, server: mark, 'www-authenticate': mark }).end(mark);
  }),
  http('where it redirects to', 'REDIRECT_REFUSED', (response, mark) => {
    response.writeHead(302, { location: `http://${mark}.invalid/${mark}` }).end();
  }),
  http('its encoding', 'TEXT_ENCODING_UNKNOWN', (response, mark) => {
    response.writeHead(200, { 'content-type': `application/json; charset=${mark}` }).end('[]');
  }),
  http('its compression', 'TEXT_UNPACKABLE', (response, mark) => {
    response.writeHead(200, { ...json, 'content-encoding': mark }).end('[]');
  }),
  http('a page that is no JSON', 'JSON_INVALID', (response, mark) => {
    response.writeHead(200, json).end(`{"rows": [{"name": ${mark}`);
  }),
  http('a member in the place of the rows', 'JSON_ROWS_MISSING', (response, mark) => {
    response.writeHead(200, json).end(`{"${mark}": "${mark}"}`);
  }),
  http('a row that is none', 'JSON_ROW_NOT_OBJECT', (response, mark) => {
    response.writeHead(200, json).end(`{"rows": ["${mark}"]}`);
  }),
  http('a member in the place of a column', 'JSON_MEMBER_MISSING', (response, mark) => {
    response.writeHead(200, json).end(`{"rows": [{"${mark}": "${mark}"}]}`);
  }),
  {
    ...http('the text of a status that may pass', 'HTTP_BUSY', (response, mark) => {
      response.writeHead(503, mark, { 'retry-after': '0', 'x-text': mark }).end(mark);
    }),
    waits: true,
  },
  {
    name: 'an HTTP server: what a script throws of its response',
    source: {
      kind: 'http',
      respond: (response, mark) => void response.writeHead(200, mark, { ...json, 'content-type': mark }).end(mark),
      script:
        'export async function* extract(context) {\n  const got = await fetch(context.baseUrl);\n  const text = await got.text();\n  throw Object.assign(new Error(text), { name: text });\n}\nexport default extract;',
    },
    reason: 'SCRIPT_FAILED',
  },
];

const file = (name: string, reason: string, format: 'csv' | 'jsonl' | 'json', content: (mark: string) => string): LeakCase => ({
  name: `a file: ${name}`,
  source: { kind: 'file', content, format },
  reason,
});

const FILES: LeakCase[] = [
  file('its header', 'COLUMN_MISSING', 'csv', (mark) => `${mark},other\n1,2\n`),
  file('a row of another width', 'CSV_ROWS_RAGGED', 'csv', (mark) => `name,other\n${mark}\n${mark},${mark},${mark}\n`),
  file('a quote that does not fit', 'CSV_QUOTE_INVALID', 'csv', (mark) => `name,other\n"${mark}"${mark},1\n`),
  file('a character that no target holds', 'TEXT_CHARACTER_REFUSED', 'csv', (mark) => `name,other\n${mark}\0,1\n`),
  file('a line that is no JSON', 'JSON_INVALID', 'jsonl', (mark) => `{"name": ${mark}}\n`),
  file('a member that is there twice', 'JSON_MEMBER_TWICE', 'jsonl', (mark) => `{"name": "${mark}", "name": "${mark}"}\n`),
];

/** All ways. */
export const LEAK_CASES: readonly LeakCase[] = [...SCRIPTS, ...DATABASES, ...SERVERS, ...PAGES, ...FILES];

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** Starts the server of a source that has one; returns its port, 0 = none. */
export const startLeakServer = async (source: LeakSource, mark: string): Promise<{ port: number; close: () => void }> => {
  if (source.kind === 'http') {
    const server = createHttpServer((_request, response) => source.respond(response, mark));
    const port = await listen(server);
    return { port, close: () => void server.close() };
  }
  if (source.kind !== 'tcp') return { port: 0, close: () => undefined };
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(source.respond(mark)));
  });
  const port = await listen(server);
  return { port, close: () => void server.close() };
};
