// Streams, sockets and children whose error nobody hears end the process, and files that nobody closes when a step fails.
import { isTest, type Finding, type Rule, type Source } from './sources.ts';

const MAKERS =
  'spawn|fork|createServer|createHttpServer|createReadStream|createWriteStream|createGunzip|createInflate|createInflateRaw|netConnect|tlsConnect|new Client|new Pool|new Worker';

// Where an error is part of what is awaited: the stream is an argument of these.
const HEARD_BY = /(?:pipeline|finished|compose|arrayBuffer|text)\($|for await \([^)]*$/;

const MADE = new RegExp(`(?<![\\w.'"])(?:${MAKERS})\\(`, 'g');

/** The statement in which a place stands, up to it. */
const before = (text: string, index: number): string =>
  text.slice(Math.max(text.lastIndexOf(';\n', index), text.lastIndexOf('{\n', index), 0), index);

/** Whether what is made in a place is heard: it is an argument of what hears, or something of its file listens to the name that it gets. */
const isHeard = (text: string, index: number): boolean => {
  const statement = before(text, index);
  if (/(?:pipeline|finished)\((?:[^;]*)$/.test(statement) || HEARD_BY.test(statement) || /for await \([^;]*$/.test(statement)) return true;
  const name = /(?:const |let |^|\s)(\w+)(?:: [^=;]+)? = (?:await )?$/.exec(statement)?.[1];
  if (name !== undefined && new RegExp(`\\b${name}\\??\\.(?:on|once)\\(\\s*'error'`).test(text)) return true;
  // A function that only makes it: who calls it listens.
  return /=>\s*$/.test(statement) && /\.(?:on|once)\('error'/.test(text);
};

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

const unheard = ({ file, text }: Source): Finding[] => [
  ...[...text.matchAll(MADE)]
    .filter(
      ({ index, 0: made }) =>
        (made !== 'new Client(' || text.includes("from 'pg'")) &&
        !isHeard(text, index) &&
        !/^\s*(?:\/\/|\*|import )/.test(text.slice(text.lastIndexOf('\n', index) + 1, index)),
    )
    .map(({ index, 0: made }) => ({ file, line: lineAt(text, index), rule: 'unheard-error', text: `${made}): nobody hears its error` })),
  ...[...text.matchAll(/\.pipe\(|createInterface\(/g)].map(({ index, 0: made }) => ({
    file,
    line: lineAt(text, index),
    rule: 'unheard-error',
    text: `${made}): the error of its source is not passed on; use pipeline`,
  })),
];

// A child may end by an error: its parent hears of the end. `servers` and `testkit` serve nobody else.
const EXEMPT = /(?:child\.ts$)|^libs\/(?:testkit|servers)\//;

/** In services and their libraries, the error of each stream, socket, server and child is heard. */
export const errorsHeard: Rule = (sources) =>
  sources.filter(({ file }) => /^(?:services|libs)\/[^/]+\/src\//.test(file) && !isTest(file) && !EXEMPT.test(file)).flatMap(unheard);

const OPENS = /import \{[^}]*\bopen\b[^}]*\} from 'node:fs\/promises'/;

/** Whether a file is closed whatever happens: it is disposed of by its block, or the work that follows at once has a `finally` that closes it. */
const isClosed = (text: string, index: number): boolean => {
  const statement = before(text, index);
  if (/await using \w+ = /.test(statement)) return true;
  const name = /const (\w+) = /.exec(statement)?.[1];
  const rest = text.slice(text.indexOf(';\n', index) + 2);
  if (name === undefined) return false;
  const close = `${name}\\.close\\(\\)`;
  return (
    new RegExp(`^(?:\\s*let [^;]*;)*\\s*try \\{[\\s\\S]*?\\} finally \\{\\s*await ${close}`).test(rest) ||
    new RegExp(`^[^;]*\\.finally\\(\\(\\) => ${close}\\)`).test(rest)
  );
};

/** A file that is opened is closed whatever fails: one that is left to the garbage collector ends the process. */
export const filesClosed: Rule = (sources) =>
  sources
    .filter(({ file, text }) => /^(?:services|libs)\/[^/]+\/src\//.test(file) && !isTest(file) && OPENS.test(text))
    .flatMap(({ file, text }) =>
      [...text.matchAll(/(?<![\w.])open\(/g)]
        .filter(({ index }) => !isClosed(text, index))
        .map(({ index }) => ({
          file,
          line: lineAt(text, index),
          rule: 'unclosed-file',
          text: 'open(): nothing closes it when a step fails',
        })),
    );
