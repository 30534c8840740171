// Rules about values that a type could hold.
import { reasonOf } from '@lethe/contracts/registry';
import { NOUNS } from '@lethe/contracts/nouns';
import { SERVICE_FOLDERS } from '@lethe/servers/repository';
import { isTest, matches, type Rule, type Source } from './sources.ts';

const GENERATED = /import (?:type )?\{([^}]*)\} from '@lethe\/contracts\/gen\/[^']*'/g;

/** The columns of a service's tables that hold an enum of the contract. */
const enumColumns = ({ text }: Source): string[] => {
  const enums = new Set(
    [...text.matchAll(GENERATED)].flatMap(([, names = '']) => names.split(',').map((name) => name.replace('type ', '').trim())),
  );
  return [...text.matchAll(/^\s+(\w+): (\w+)(?:\[\])?;$/gm)].flatMap(([, column = '', type = '']) => (enums.has(type) ? [column] : []));
};

// Columns that hold an enum in every service that has them.
const ALWAYS_ENUMS = ['state', 'desire', 'resumeState', 'role', 'duties', 'access', 'kind', 'language'];

/** A column that holds an enum is declared as one, and is never compared with or set to a bare number. */
export const noBareStates: Rule = (sources) =>
  NOUNS.flatMap((noun) => {
    const folder = `services/${SERVICE_FOLDERS[noun]}/src/`;
    const own = sources.filter(({ file }) => file.startsWith(folder) && !isTest(file) && !file.includes('/migrations/'));
    const tables = own.filter(({ file }) => file === `${folder}store/tables.ts`);
    const untyped = tables.flatMap((source) =>
      matches(
        source,
        new RegExp(`^\\s+(${ALWAYS_ENUMS.join('|')}): number(?:\\[\\])?;$`, 'm'),
        'bare-state',
        ([, column]) => `${column} is a number; declare its enum`,
      ),
    );
    const columns = [...new Set([...ALWAYS_ENUMS, ...tables.flatMap(enumColumns)])].join('|');
    const compared = new RegExp(`'(?:\\w+\\.)?(?:${columns})', '(?:=|<>|!=|in|not in)', \\[?\\d`);
    const set = new RegExp(`\\b(?:${columns}): \\d+[,\\s}]`);
    const tested = new RegExp(`\\.(?:${columns}) [!=]== \\d`);
    const bare = own.flatMap((source) =>
      [compared, set, tested].flatMap((pattern) =>
        matches(source, pattern, 'bare-state', ([text]) => `${text.trim()}: name the enum's value`),
      ),
    );
    return [...untyped, ...bare];
  });

const STATE_ENUMS =
  'RunState|Desire|Entry_State|User_State|AccessRequest_State|ScriptVersion_State|DataModuleVersion_State|TaskRevision_State|Role|Duty';

/** A value read from a typed column needs no assertion that it is of its enum. */
export const noEnumAssertions: Rule = (sources) =>
  sources
    .filter(({ file }) => file.startsWith('services/') && !isTest(file))
    .flatMap((source) =>
      matches(
        source,
        new RegExp(` as (?:${STATE_ENUMS})\\b`),
        'enum-assertion',
        ([text]) => `${text.trim()}: type the source of the value`,
      ),
    );

/** A reason is one of the service's own catalogue or of the common one; a type that is asserted says nothing. */
export const reasonsOfOwnCatalogue: Rule = (sources) =>
  NOUNS.flatMap((noun) => {
    const own = sources.filter(({ file }) => file.startsWith(`services/${SERVICE_FOLDERS[noun]}/src/`) && !isTest(file));
    return own.flatMap((source) => [
      ...matches(source, /\bfail\(\s*'(\w+)'/, 'reason', ([, reason = '']) => reason)
        .filter(({ text }) => reasonOf(`lethe.${noun}.v1`, text) === undefined)
        .map((finding) => ({ ...finding, text: `${finding.text} is in no catalogue that lethe.${noun}.v1 may use` })),
      ...matches(source, / as (?:Common)?Reason\b/, 'reason', () => 'a reason by assertion: use a key of the catalogue'),
    ]);
  });

// The common reasons are for every service, those to come too.
const OWN_CATALOGUE = /^proto\/lethe\/(?!options\/)\w+\/v1\/(?:run_)?error_reason\.proto$/;

/** A reason of a service's catalogue is one that the program gives: a page of errors names none that cannot be met. */
export const reasonsGiven: Rule = (sources) => {
  const given = new Set(
    sources
      .filter(({ file }) => /^(?:libs|services)\/[^/]+\/src\//.test(file) && !isTest(file))
      .flatMap(({ text }) => [...text.matchAll(/['"`]([A-Z][A-Z0-9_]*)['"`]|\b([A-Z][A-Z0-9_]*):/g)])
      .map(([, quoted, key]) => quoted ?? key),
  );
  return sources
    .filter(({ file }) => OWN_CATALOGUE.test(file))
    .flatMap((source) =>
      matches(source, /\b(?:RUN_)?ERROR_REASON_(\w+) = [1-9]\d* \[(?!\s*deprecated)/, 'unused-reason', ([, reason = '']) => reason),
    )
    .filter(({ text }) => !given.has(text))
    .map((finding) => ({
      ...finding,
      text: `nothing gives ${finding.text}: give it, remove it, or where it was released mark it deprecated`,
    }));
};

// "…; `state` says what it is." in the comment of a reason is a promise to its reader.
const PROMISED = /^ {2}\/\/ .*; ((?:`\w+`(?: and )?)+) (?:names?|says)\b.*\n {2}(?:COMMON_)?ERROR_REASON_(\w+) = /;

const callFrom = (text: string, start: number): string => {
  let depth = 0;
  for (let at = text.indexOf('(', start); at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return text.slice(start, at);
  }
  return text.slice(start);
};

/** An error carries the metadata that the catalogue's sentence of its reason promises. */
export const promisedMetadata: Rule = (sources) => {
  const promised = sources
    .filter(({ file }) => /^proto\/.*\/error_reason\.proto$/.test(file))
    .flatMap(({ text }) => [...text.matchAll(new RegExp(PROMISED, 'gm'))])
    .map(([, keys = '', reason = '']) => ({ reason, keys: [...keys.matchAll(/\w+(?=`)/g)].map(([key]) => key) }));
  return sources
    .filter(({ file }) => /^(?:libs|services)\/[^/]+\/src\//.test(file) && !isTest(file))
    .flatMap((source) =>
      promised.flatMap(({ reason, keys }) =>
        matches(source, new RegExp(`\\bfail\\(\\s*'${reason}'`), 'metadata', ({ index }) => {
          const call = callFrom(source.text, index);
          return keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(call.slice(call.indexOf(reason) + reason.length))).join(', ');
        })
          .filter(({ text }) => text !== '')
          .map((finding) => ({ ...finding, text: `the sentence of ${reason} promises ${finding.text}` })),
      ),
    );
};

/** DataManager's failures are of its catalogue: whatever a run can meet has a reason, and what it cannot is a defect with a place. */
export const noBareErrors: Rule = (sources) =>
  sources
    .filter(({ file }) => file.startsWith('services/data-manager/src/') && !isTest(file))
    .flatMap((source) =>
      matches(source, /\bnew (?:Range|Type)?Error\(/, 'bare-error', () => 'use stageError or the one helper for defects'),
    );

/** A service's transactions are the store's, which wakes those who wait for a commit. */
export const transactionsOfStore: Rule = (sources) =>
  sources
    .filter(({ file }) => file.startsWith('services/') && !isTest(file))
    .flatMap((source) => matches(source, /\bdb\s*\.transaction\(\)/, 'transaction', () => 'use mutate or store.transaction'));

/** Outgoing events are written by the library alone. */
export const eventsByLibrary: Rule = (sources) =>
  sources
    .filter(({ file }) => file.startsWith('services/') && !isTest(file))
    .flatMap((source) => matches(source, /(?:insertInto\('outgoingEvent'|insert into outgoing_event)/, 'emit', () => 'use emit or mutate'));

// Deadlines of calls, which grpc-js has by the clock of the process, and the clock itself.
const OWN_CLOCK = ['libs/grpc/src/server/call.ts', 'libs/grpc/src/middleware/deadline.ts', 'libs/grpc/src/client/call.ts'];

/** What a service decides by time it decides by the clock of its database; what it measures it measures by a stopwatch. */
export const clockOfDatabase: Rule = (sources) =>
  sources
    .filter(
      ({ file }) =>
        /^(?:services\/[\w-]+|libs\/(?:db|events|grpc|service))\/src\//.test(file) && !isTest(file) && !OWN_CLOCK.includes(file),
    )
    .flatMap((source) =>
      matches(
        source,
        /\bDate\.now\(\)|\bnew Date\(\)/,
        'process-clock',
        ([text]) => `${text}: use \`now\`, \`nowMs\` or \`stopwatch\` of @lethe/contracts/clock`,
      ),
    );

// Files that name others by what a document names, which its check bounds to letters, digits and underscores; and the files that a target is asked for.
const NAMED_FILES = [
  'services/data-manager/src/connectors/file/ledger.ts',
  'services/data-manager/src/stages/anonymize/dictionaries.ts',
  'services/data-manager/src/stages/rules/apply-rules.ts',
  'services/data-manager/src/stages/stage.ts',
  'services/data-manager/src/stages/transform/write-script-rows.ts',
  'services/data-manager/src/upload/digests.ts',
  'services/data-manager/src/upload/upload.ts',
];

/** A file is not named by what a caller named: a name may be a path. */
export const noNamesInPaths: Rule = (sources) =>
  sources
    .filter(
      ({ file }) =>
        /^(?:services|libs)\/[^/]+\/src\//.test(file) && !isTest(file) && !file.includes('/vectors/') && !NAMED_FILES.includes(file),
    )
    .flatMap((source) =>
      matches(
        source,
        /\bjoin\((?:[^;\n()]|\([^()\n]*\))*\$\{(?:[\w.]*\.)?(?:table|name|displayName|column|target)\}/,
        'name-in-path',
        ([text]) => `${text}…: name the file by index or digest`,
      ),
    );
