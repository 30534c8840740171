// The rules of the house that no linter knows. Each has a test that plants a breach.
import { libraryLine, noRoomCycles, rpcFiles, rpcTested } from './rooms.ts';
import {
  clockOfDatabase,
  eventsByLibrary,
  noBareErrors,
  noBareStates,
  noEnumAssertions,
  noNamesInPaths,
  promisedMetadata,
  reasonsGiven,
  reasonsOfOwnCatalogue,
  transactionsOfStore,
} from './values.ts';
import { errorsHeard } from './streams.ts';
import { plainWords } from './words.ts';
import type { Finding, Rule, Source } from './sources.ts';

/** All rules, by name. */
export const RULES: Record<string, Rule> = {
  noRoomCycles,
  libraryLine,
  rpcFiles,
  rpcTested,
  noBareStates,
  noEnumAssertions,
  reasonsOfOwnCatalogue,
  reasonsGiven,
  promisedMetadata,
  noBareErrors,
  noNamesInPaths,
  eventsByLibrary,
  clockOfDatabase,
  transactionsOfStore,
  errorsHeard,
  plainWords,
};

/** What breaks a rule, in the order of files. */
export const findings = (sources: readonly Source[]): Finding[] =>
  Object.values(RULES)
    .flatMap((rule) => rule(sources))
    .toSorted((left, right) => left.file.localeCompare(right.file) || left.line - right.line);
