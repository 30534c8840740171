import { describe, expect, test } from 'vitest';
import { findings, RULES } from './index.ts';
import { readSources, type Source } from './sources.ts';

const rpcStubs = readSources().filter(({ file }) => /\/src\/rpc\//.test(file));

/** What the rules say of planted sources, beside files that every rule wants to see. */
const breaches = (...planted: Source[]): string[] =>
  findings([...rpcStubs.map(({ file }) => ({ file, text: '' })), ...planted])
    .filter(({ file }) => planted.some((source) => source.file === file))
    .map(({ file, line, rule }) => `${file}:${line} ${rule}`);

const TABLES = {
  file: 'services/etl-task-manager/src/store/tables.ts',
  text: "import type { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';\nexport type Tables = {\n  resumeState: RunState;\n  phase: RunState;\n};\n",
};

test('the sources keep every rule', () => {
  expect(findings(readSources())).toEqual([]);
});

describe('a planted breach is found', () => {
  test.each<[name: string, planted: Source[], found: string[]]>([
    [
      'two rooms that need each other',
      [
        { file: 'services/data-manager/src/connectors/a.ts', text: "import { b } from '../run/b.ts';" },
        { file: 'services/data-manager/src/run/b.ts', text: "import { c } from '../upload/c.ts';" },
        { file: 'services/data-manager/src/upload/c.ts', text: "import { a } from '../connectors/a.ts';" },
      ],
      [
        'services/data-manager/src/connectors/a.ts:1 room-cycle',
        'services/data-manager/src/run/b.ts:1 room-cycle',
        'services/data-manager/src/upload/c.ts:1 room-cycle',
      ],
    ],
    [
      'a library that imports deploy/',
      [{ file: 'libs/testkit/src/a.ts', text: "\nimport { startStack } from '@lethe/local/stack';" }],
      ['libs/testkit/src/a.ts:2 library-line'],
    ],
    [
      'a library that imports deploy/ by path',
      [{ file: 'libs/servers/src/a.ts', text: "import { ROOT } from '../../../deploy/local/src/stack.ts';" }],
      ['libs/servers/src/a.ts:1 library-line'],
    ],
    [
      'a library that imports one after it',
      [{ file: 'libs/grpc/src/a.ts', text: "import { mutate } from '@lethe/db/mutate';" }],
      ['libs/grpc/src/a.ts:1 library-line'],
    ],
    [
      'a file in rpc/ that is no RPC',
      [{ file: 'services/script-manager/src/rpc/views.ts', text: '' }],
      ['services/script-manager/src/rpc/views.ts:1 rpc-files'],
    ],
    [
      'a file named by a caller',
      [
        {
          file: 'services/data-manager/src/app/a.ts',
          text: 'const path = join(folder, `${table.table}.csv`);\nconst other = join(folder, `${index}.csv`);',
        },
      ],
      ['services/data-manager/src/app/a.ts:1 name-in-path'],
    ],
    [
      'a time of the process',
      [{ file: 'services/user-manager/src/app/a.ts', text: 'const now = new Date();\nconst ms = Date.now();\nconst then = new Date(0);' }],
      ['services/user-manager/src/app/a.ts:1 process-clock', 'services/user-manager/src/app/a.ts:2 process-clock'],
    ],
    [
      'a state column that is a number',
      [{ file: 'services/user-manager/src/store/tables.ts', text: 'export type Tables = {\n  state: number;\n};' }],
      ['services/user-manager/src/store/tables.ts:2 bare-state'],
    ],
    [
      'an enum column compared with a number',
      [TABLES, { file: 'services/etl-task-manager/src/store/a.ts', text: "rows.where('phase', '=', 4)" }],
      ['services/etl-task-manager/src/store/a.ts:1 bare-state'],
    ],
    [
      'a state set to a number',
      [{ file: 'services/data-manager/src/run/a.ts', text: 'update.set({ state: 5, updateTime })' }],
      ['services/data-manager/src/run/a.ts:1 bare-state'],
    ],
    [
      'a state tested against a number',
      [{ file: 'services/data-manager/src/run/a.ts', text: 'if (row.state === 3) return;' }],
      ['services/data-manager/src/run/a.ts:1 bare-state'],
    ],
    [
      'an asserted state',
      [{ file: 'services/data-manager/src/run/a.ts', text: 'const state = row.state as RunState;' }],
      ['services/data-manager/src/run/a.ts:1 enum-assertion'],
    ],
    [
      'a reason of another service',
      [{ file: 'services/user-manager/src/rpc/get-user.ts', text: "throw fail('RUN_STATE', {});" }],
      ['services/user-manager/src/rpc/get-user.ts:1 reason'],
    ],
    [
      'an asserted reason',
      [{ file: 'services/user-manager/src/rpc/get-user.ts', text: 'throw fail(text as Reason);' }],
      ['services/user-manager/src/rpc/get-user.ts:1 reason'],
    ],
    [
      'a reason of a catalogue that nothing gives',
      [
        {
          file: 'proto/lethe/data/v1/run_error_reason.proto',
          text: 'enum RunErrorReason {\n  RUN_ERROR_REASON_UNSPECIFIED = 0;\n  RUN_ERROR_REASON_GIVEN = 1 [a];\n  RUN_ERROR_REASON_LOST = 2 [a];\n  RUN_ERROR_REASON_OLD = 3 [deprecated = true, a];\n}',
        },
        { file: 'proto/lethe/task/v1/error_reason.proto', text: 'enum ErrorReason {\n  ERROR_REASON_LOST = 1 [a];\n}' },
        { file: 'services/data-manager/src/run/a.ts', text: "throw stageError('GIVEN');" },
      ],
      ['proto/lethe/data/v1/run_error_reason.proto:4 unused-reason', 'proto/lethe/task/v1/error_reason.proto:2 unused-reason'],
    ],
    [
      'an error of DataManager without a reason',
      [{ file: 'services/data-manager/src/plan/a.ts', text: "\n\nthrow new Error('no column');" }],
      ['services/data-manager/src/plan/a.ts:3 bare-error'],
    ],
    [
      'an error without the metadata that the sentence of its reason promises',
      [
        {
          file: 'proto/lethe/task/v1/error_reason.proto',
          text: '  // The run is in another state; `state` says what it is.\n  ERROR_REASON_RUN_STATE = 5 [];\n  // A table; `table` and `connection_id` name the first.\n  ERROR_REASON_PRIVACY_REQUIRED = 6 [];',
        },
        {
          file: 'services/etl-task-manager/src/app/a.ts',
          text: "throw fail('RUN_STATE', { state: stateName(run.state) });\nthrow fail('RUN_STATE', {});\nthrow fail('PRIVACY_REQUIRED', { table });",
        },
      ],
      ['services/etl-task-manager/src/app/a.ts:2 metadata', 'services/etl-task-manager/src/app/a.ts:3 metadata'],
    ],
    [
      'a transaction that wakes nobody',
      [{ file: 'services/etl-task-manager/src/app/a.ts', text: 'await deps.store.db.transaction().execute(change);' }],
      ['services/etl-task-manager/src/app/a.ts:1 transaction'],
    ],
    [
      'an event that is written past the library',
      [{ file: 'services/data-manager/src/run/a.ts', text: "tx.insertInto('outgoingEvent')" }],
      ['services/data-manager/src/run/a.ts:1 emit'],
    ],
    [
      'a stream, a server or a child whose error nobody hears',
      [
        {
          file: 'services/data-manager/src/run/a.ts',
          text: [
            'const heard = spawn(command, args);',
            "heard.once('error', end);",
            'await pipeline(createReadStream(from), createWriteStream(to));',
            'for await (const chunk of createReadStream(from)) use(chunk);',
            'const lost = spawn(command, args);',
            'const out = createWriteStream(to);',
            'const rows = createReadStream(from).pipe(parse());',
            'const lines = createInterface({ input });',
          ].join('\n'),
        },
      ],
      [5, 6, 7, 7, 8].map((line) => `services/data-manager/src/run/a.ts:${line} unheard-error`),
    ],
    [
      'a word that means something else, in a name, a comment, a test’s title, the contract or a page',
      [
        { file: 'services/data-manager/src/run/a.ts', text: 'const count = 1;\n/** Answers the row. */\nconst lastAnswer = 1;' },
        { file: 'e2e/a.test.ts', text: "test('it answers', () => {});" },
        { file: 'bench/a.ts', text: 'type EngineAnswer = string;' },
        { file: 'proto/lethe/data/v1/a.proto', text: 'message A {\n  // The keeper of the run.\n}' },
        { file: 'docs/a.md', text: 'A doorbell.' },
      ],
      [
        'bench/a.ts:1 plain-words',
        'docs/a.md:1 plain-words',
        'e2e/a.test.ts:1 plain-words',
        'proto/lethe/data/v1/a.proto:2 plain-words',
        'services/data-manager/src/run/a.ts:2 plain-words',
        'services/data-manager/src/run/a.ts:3 plain-words',
      ],
    ],
  ])('%s', (_name, planted, found) => {
    expect(breaches(...planted)).toEqual(found);
  });
});

test.each(['libs/', 'services/', 'deploy/', 'e2e/', 'bench/', 'proto/', 'docs/', 'CONTRIBUTING.md'])('the rules read %s', (place) => {
  expect(readSources().some(({ file }) => file.startsWith(place))).toBe(true);
});

test('an RPC that no test calls is found', () => {
  const sources = readSources().map(({ file, text }) => ({ file, text: text.replaceAll('.releaseScript(', '.other(') }));
  expect(RULES['rpcTested']?.(sources).map(({ text }) => text)).toContainEqual(expect.stringContaining('ReleaseScript'));
});

test('an RPC without its file is found', () => {
  const sources = rpcStubs.filter(({ file }) => !file.endsWith('/rpc/release-script.ts')).map(({ file }) => ({ file, text: '' }));
  expect(RULES['rpcFiles']?.(sources).map(({ file }) => file)).toEqual(
    expect.arrayContaining(['services/script-manager/src/rpc/release-script.ts']),
  );
});
