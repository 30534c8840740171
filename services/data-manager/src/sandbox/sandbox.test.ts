import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findIsolation, runScript, type ScriptJob } from './sandbox.ts';
import { RunError } from '../domain/run-error.ts';

const isolation = findIsolation();
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-sandbox-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = async (content: string, options: Partial<ScriptJob> & { rows?: unknown[] } = {}): Promise<unknown[]> => {
  const { rows = [{ a: 1 }], ...job } = options;
  const [inputPath, outputPath] = [join(folder, 'in.ndjson'), join(folder, 'out.ndjson')];
  writeFileSync(inputPath, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await runScript(
    isolation,
    {
      content,
      mode: 'row',
      parameters: {},
      inputPath,
      outputPath,
      seed: 1,
      nowMs: 1_700_000_000_000,
      limits: { timeoutMs: 20_000 },
      ...job,
    },
    new AbortController().signal,
  );
  return readFileSync(outputPath, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
};

const failure = async (content: string, options: Partial<ScriptJob> = {}): Promise<RunError> => {
  try {
    await run(content, options);
  } catch (error) {
    if (error instanceof RunError) return error;
    throw error;
  }
  throw new Error('the script did not fail');
};

describe('what a script can do', () => {
  test('a per-row script maps, multiplies and drops rows', async () => {
    const rows = await run(
      'export default (row, context) => (row.a === 2 ? null : row.a === 3 ? [row, row] : { b: row.a + Number(context.parameters.n) })',
      {
        rows: [{ a: 1 }, { a: 2 }, { a: 3 }],
        parameters: { n: '10' },
      },
    );
    expect(rows).toEqual([{ b: 11 }, { ' dropped': 1 }, { a: 3 }, { a: 3 }]);
  });

  test('numbers that JSON does not have are no NULL', async () => {
    const rows = await run('export default () => ({ a: NaN, b: -Infinity, c: 2n ** 64n, d: null })');
    expect(rows).toEqual([{ a: 'NaN', b: '-Infinity', c: '18446744073709551616', d: null }]);
  });

  test('a whole-table script sees all rows', async () => {
    const script = 'export async function* transform(rows) { let sum = 0; for await (const row of rows) sum += row.a; yield { sum } }';
    expect(await run(script, { mode: 'table', rows: [{ a: 1 }, { a: 2 }] })).toEqual([{ sum: 3 }]);
  });

  test('time stands still and randomness follows the seed', async () => {
    const script = 'export default () => ({ now: Date.now(), year: new Date().getUTCFullYear(), random: Math.random() })';
    const [first, second] = [await run(script, { seed: 7 }), await run(script, { seed: 7 })];
    expect(first).toEqual(second);
    expect(first).not.toEqual(await run(script, { seed: 8 }));
  });

  test('no way to the clock or to chance is left open', async () => {
    const script = `const utc = new Intl.DateTimeFormat('en', { timeZone: 'UTC' });
    export default () => ({
      dates: [Date.now(), +new Date(), +new (Object.getPrototypeOf(new Date()).constructor)(), new Date(5).getTime(), Date.UTC(2020, 0)],
      text: Date(),
      isDate: new Date() instanceof Date,
      inherited: Object.getPrototypeOf(Date) === Function.prototype,
      formats: [utc.format(), utc.formatToParts().map(({ value }) => value).join(''), new Date().toLocaleDateString('en', { timeZone: 'UTC' })],
      performance: [performance.now(), performance.timeOrigin, typeof Performance, typeof Temporal, typeof Worker],
      random: [crypto.randomUUID(), ...crypto.getRandomValues(new Uint32Array(2)), Math.random()],
    })`;
    const [first, second] = [await run(script, { seed: 7 }), await run(script, { seed: 7 })];
    expect(first).toEqual(second);
    const now = 1_700_000_000_000;
    expect(first[0]).toMatchObject({
      dates: [now, now, now, 5, Date.UTC(2020, 0)],
      isDate: true,
      inherited: true,
      formats: ['11/14/2023', '11/14/2023', '11/14/2023'],
      performance: [0, now, 'undefined', 'undefined', 'undefined'],
    });
    expect(first).not.toEqual(await run(script, { seed: 8 }));
  });

  test.each([
    ['in a row', 'export default (row) => { if (row.a === 2) Deno.exit(0); return row; }', 'row'],
    ['after its last row', 'export async function* transform(rows) { for await (const row of rows) yield row; Deno.exit(0); }', 'table'],
    ['when it is loaded', 'Deno.exit(0); export default (row) => row;', 'row'],
    ['by what Node calls it', 'export default () => process.exit(0);', 'row'],
    ['by closing its window', 'export default () => close();', 'row'],
    ['by waiting for what never comes', 'export default () => new Promise(() => {});', 'row'],
  ] as const)('a script that ends its process %s loses no row in silence', async (_, script, mode) => {
    const rows = [{ a: 1 }, { a: 2 }, { a: 3 }];
    await expect(run(script, { rows, mode })).rejects.toMatchObject({ reason: 'SCRIPT_FAILED' });
  });

  test('what a script prints is no row', async () => {
    expect(await run('export default (row) => { console.log(JSON.stringify({ a: 2 })); console.error("x"); return row; }')).toEqual([
      { a: 1 },
    ]);
  });

  test.each([
    ['eval', 'eval("1")'],
    ['a function made of text', 'new Function("return 1")()'],
    ['a module of Node, asked for in a text', `Object.getPrototypeOf(async () => {}).constructor('return import("node:vm")')()`],
    ['a module of Node, asked for by its process', 'process.getBuiltinModule("node:crypto")'],
    ['the runtime itself', 'Deno[Deno.internal].core.ops'],
    ['what the runtime knows of its machine', 'navigator.hardwareConcurrency'],
    ['memory that is shared', 'new SharedArrayBuffer(8)'],
    ['a key that is made by chance', 'crypto.subtle.generateKey("Ed25519", true, ["sign"])'],
    ['a name that is made by chance', 'URL.createObjectURL(new Blob([]))'],
  ])('a script has no %s', async (_name, expression) => {
    const error = await failure(`export default async () => ({ got: String(await (${expression})) })`);
    expect(error).toMatchObject({ reason: 'SCRIPT_FAILED' });
    expect(error.message).toMatch(/(?:EvalError|ReferenceError|TypeError)/);
  });

  test.each([
    ['the constructor of dates', 'let real; Reflect.construct = (made) => { real ??= made; return {}; }; new Date();', 'real?.now()'],
    [
      'a format',
      'const { call, apply } = Function.prototype; let real; Function.prototype.call = function (...v) { real ??= this; return apply.bind(this)(v[0], v.slice(1)); }; new Intl.DateTimeFormat("en").format();',
      'real === undefined ? undefined : String(real)',
    ],
    [
      'chance',
      'const { random } = Math; let seen; Math.floor = (value) => { seen = value; return 0; }; crypto.getRandomValues(new Uint8Array(1));',
      'seen',
    ],
    ['what a row is written with', 'JSON.stringify = () => "null";', 'undefined'],
    [
      'a salted cipher',
      'Set.prototype.has = () => false; String.prototype.toUpperCase = () => "HMAC";',
      'await crypto.subtle.encrypt("RSA-OAEP", {}, new Uint8Array(1)).catch((error) => error.name === "TypeError" ? undefined : error.name)',
    ],
  ])('a script that replaces functions of the language does not get at %s', async (_name, replace, got) => {
    expect(await run(`${replace}\nexport default async () => ({ got: (${got}) ?? 'nothing' })`)).toEqual([{ got: 'nothing' }]);
  });

  test.each([
    'new Response("x").blob()',
    'new Response("x").formData()',
    'new Request("http://x/").blob()',
    'new Blob([])',
    'new FormData()',
    'new File([], "x")',
  ])('there is no %s, whose identity is made by chance', async (expression) => {
    const error = await failure(`export default async () => ({ got: String(await ${expression}) })`);
    expect(error.message).toMatch(/(?:ReferenceError|TypeError)/);
  });

  test('what stamps the time stamps the one that stands still', async () => {
    expect(await run("export default () => ({ stamp: new Event('e').timeStamp })")).toEqual([{ stamp: 0 }]);
  });

  test('a signature is the same from run to run, and one that is salted is refused', async () => {
    const script = (name: string): string => `export default async () => {
      const key = await crypto.subtle.importKey('raw', new Uint8Array(32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
      return { signed: new Uint8Array(await crypto.subtle.sign('${name}', key, new Uint8Array(1))).join() };
    }`;
    expect(await run(script('HMAC'))).toEqual(await run(script('HMAC')));
    expect((await failure(script('ecdsa'))).message).toContain('TypeError');
  });

  test('a script that throws tells its kind and line, and no value', async () => {
    const error = await failure('export default (row) => {\n  const x = 1;\n  throw new TypeError(`secret ${JSON.stringify(row)}`);\n}');
    expect(error).toMatchObject({ reason: 'SCRIPT_FAILED', place: { line: 3n } });
    expect(error.message).not.toContain('secret');
  });

  test('a script that names its error itself shows no such name', async () => {
    const error = await failure("export default () => { throw Object.assign(new Error('x'), { name: 'secret_4711' }); }");
    expect(error.message).toMatch(/^The script ended with Error/);
  });
});

describe('what a script writes about its own end', () => {
  const end = (report: string): string =>
    `Deno.stderr.writeSync(new TextEncoder().encode(${JSON.stringify(`${report}\n`)})); Deno.exit(1);`;
  test.each([
    ['an error with a name of its own', "throw Object.assign(new Error('x'), { name: 'secret_4711' });"],
    ['an error with a stack of its own', "throw Object.assign(new Error('x'), { stack: 'data:application/typescript;base64,x:4711:1' });"],
    ['an error whose name is computed', "throw Object.defineProperty(new Error('x'), 'name', { get: () => 'secret_' + 4711 });"],
    ['something that is no error', "throw { name: 'secret_4711', stack: 'secret_4711' };"],
    ['a text', "throw 'secret_4711';"],
    ['a message of many lines', "throw new TypeError('x\\n    at data:application/typescript;base64,secret_4711:4711:1');"],
    ['a report of a line that it does not have', end('{"kind":"TypeError","line":4711}')],
    ['a report of half a line', end('{"kind":"TypeError","line":1.4711}')],
    ['a report of a kind that is none', end('{"kind":"secret_4711","line":1}')],
    ['a report that is no JSON', end('secret_4711')],
    ['a log', "console.error('secret_4711'); console.log('secret_4711'); Deno.exit(1);"],
    ['an aggregate', "throw new AggregateError([new Error('secret_4711')], 'secret_4711', { cause: 'secret_4711' });"],
    ['a rejection that nobody waits for', "Promise.reject(new Error('secret_4711')); await new Promise((done) => setTimeout(done, 50));"],
  ])('is not told: %s', async (_, body) => {
    const error = await failure(`export default async () => {\n  ${body}\n};`);
    expect(error.reason).toBe('SCRIPT_FAILED');
    expect(error.message).toMatch(/^The script ended with (?:Error|TypeError|ReferenceError|AggregateError)(?: \(line [12]\))?\.$/);
    expect(error.place.line ?? 1n).toBeLessThanOrEqual(3n);
    expect(`${error.told} ${JSON.stringify(error)}`).not.toMatch(/secret|4711/);
  });
});

describe('what a script cannot do', () => {
  const secretFile = '/etc/hostname';
  const attempt = (expression: string): string =>
    `export default async () => { try { const got = await (${expression}); return { got: String(got) } } catch (error) { return { refused: error.name } } }`;
  const attempts: [name: string, expression: string][] = [
    ['import a local file as text by a literal import', `import("file://${secretFile}", { with: { type: "text" } })`],
    ['import a local file by a computed import', `import(["file:/", "${secretFile}"].join("/"), { with: { type: "text" } })`],
    ['read a file', `Deno.readTextFile("${secretFile}")`],
    ['read its own environment', 'Deno.env.toObject()'],
    ['read the environment of its process', 'Deno.readTextFile("/proc/self/environ")'],
    ['write a file', 'Deno.writeTextFile("x", "y")'],
    ['start a process', 'new Deno.Command("id").output()'],
    ['start a process through node', 'import("node:child_process").then((m) => m.execSync("id"))'],
    ['read a file through node', `import("node:fs").then((m) => m.readFileSync("${secretFile}"))`],
    ['fetch a file', `fetch("file://${secretFile}").then((r) => r.text())`],
    ['resolve a name', 'Deno.resolveDns("example.org", "A")'],
    ['listen', 'Deno.listen({ port: 0 })'],
    ['call a native library', 'Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", {})'],
    ['see the machine', 'Deno.hostname()'],
    ['signal another process', 'Deno.kill(Deno.ppid, "SIGTERM")'],
    ['load a package', 'import("npm:left-pad")'],
    ['load remote code', 'import("https://example.org/x.ts")'],
  ];
  test.each(attempts)('%s', async (_name, expression) => {
    // What the runtime loads for it may miss a global that is not there, which ends the script.
    const ended = (error: RunError): { got?: string; refused?: string }[] => [{ refused: error.reason }];
    const [row] = (await run(attempt(expression)).catch(ended)) as { got?: string; refused?: string }[];
    expect(row?.got).toBeUndefined();
    expect(row?.refused).toBeTypeOf('string');
  });

  test('import a local file by a static import', async () => {
    const error = await failure(`import text from "file://${secretFile}" with { type: "text" };\nexport default () => ({ text });`);
    expect(error.reason).toBe('SCRIPT_FAILED');
  });

  test('reach a port of the machine that is not its broker', async () => {
    const server = createServer((_request, response) => response.end('inside'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const script = attempt(`fetch("http://127.0.0.1:${port}/").then((r) => r.text())`);
    expect(await run(script)).toEqual([{ refused: 'NotCapable' }]);
    expect(await run(script, { broker: { port, key: 'k' } })).toEqual([{ got: 'inside' }]);
    server.close();
  });

  test('run for ever', async () => {
    expect(await failure('export default () => { for (;;); }', { limits: { timeoutMs: 1_000 } })).toMatchObject({
      reason: 'SCRIPT_TIMEOUT',
    });
  });

  test('fill the heap', async () => {
    expect(await failure('export default () => { const all = []; for (;;) all.push("x".repeat(1000) + all.length); }')).toMatchObject({
      reason: 'SCRIPT_MEMORY',
    });
  });

  test('write a byte to a file, or leave a core dump: the system itself refuses it to the process', async () => {
    const limitsOf = (pid: string): string => {
      try {
        const isScript =
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('harness.ts') &&
          readFileSync(`/proc/${pid}/stat`, 'utf8').includes(` ${process.pid} `);
        return isScript ? readFileSync(`/proc/${pid}/limits`, 'utf8') : '';
      } catch {
        return '';
      }
    };
    const running = run('export default async () => { await new Promise((end) => setTimeout(end, 1_500)); return { ok: true }; }');
    await new Promise((resolve) => setTimeout(resolve, 700));
    const found = readdirSync('/proc').map(limitsOf).join('');
    expect(found).toMatch(/Max file size +0 +0 /);
    expect(found).toMatch(/Max core file size +0 +0 /);
    expect(await running).toEqual([{ ok: true }]);
  });

  test('fill the memory beside the heap', async () => {
    const error = await failure('export default () => { const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1)); }');
    expect(['SCRIPT_MEMORY', 'SCRIPT_FAILED']).toContain(error.reason);
  });

  test('flood its output', async () => {
    const script = 'export async function* transform() { for (;;) yield { x: "x".repeat(100000) } }';
    expect(await failure(script, { mode: 'table', limits: { outputBytes: 10_000_000, timeoutMs: 20_000 } })).toMatchObject({
      reason: 'SCRIPT_OUTPUT',
    });
  });

  test('go on after it was stopped', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const job: ScriptJob = {
      content: 'export default () => { for (;;); }',
      mode: 'row',
      parameters: {},
      inputPath: join(folder, 'in.ndjson'),
      outputPath: join(folder, 'out.ndjson'),
      seed: 1,
      nowMs: 0,
    };
    await expect(runScript(isolation, job, stop.signal)).rejects.toMatchObject({ reason: 'SCRIPT_STOPPED' });
  });
});
