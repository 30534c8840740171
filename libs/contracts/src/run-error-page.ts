// docs/run-errors.md, made of the reasons of run errors that the contract declares.
import type { DescEnum, DescEnumValue } from '@bufbuild/protobuf';
import { RUN_ERRORS } from '../gen/lethe/data/v1/run_errors.ts';
import { commentOf } from './comment.ts';
import { registry } from './registry.ts';

const HEAD = `# Run errors

Why a run could not go on. \`Run.error\` of a failed run, \`Run.refusal\` of a refused upload and \`Run.waiting_for\` of a run that is tried again hold one of the sentences below, with
the table and the connection before it where it does not name them; \`Run.error_info\`, the audit record and the notification hold the reason and the names. The words in braces are filled in with names and counts, never with values of the data. What is tried again is tried after 1 s, 2 s and so on up to
1 min; the others end the run, or bring an upload back to PREPARED.

The table is made from \`proto/lethe/data/v1/run_error_reason.proto\`; after a change there, \`npm test -- --project pure libs/contracts -u\` writes it again.
`;

const cell = (text: string): string => text.replaceAll('|', '\\|');

const rowOf = (type: DescEnum, value: DescEnumValue): string[] => {
  const reason = value.name.replace(/^RUN_ERROR_REASON_/, '');
  if (!(reason in RUN_ERRORS)) return [];
  const { transient, sentence, action } = RUN_ERRORS[reason as keyof typeof RUN_ERRORS];
  const comment = commentOf(type, value);
  return [`| \`${reason}\` | ${cell(comment)} | \`${cell(sentence)}\` | ${transient ? 'yes' : 'no'} | ${cell(action)} |`];
};

/** The whole page. */
export const runErrorPage = (): string => {
  const type = registry.getEnum('lethe.data.v1.RunErrorReason');
  const rows = type?.values.flatMap((value) => rowOf(type, value)) ?? [];
  return [HEAD, '| reason | meaning | sentence | tried again | what to do |', '|---|---|---|---|---|', ...rows, ''].join('\n');
};
