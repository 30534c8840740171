// docs/errors.md, made of the reasons that the proto files declare.
import type { DescEnum, DescEnumValue } from '@bufbuild/protobuf';
import { commentOf } from './comment.ts';
import { reasonOf, registry } from './registry.ts';

const HEAD = `# Errors

Each error of each service is a gRPC status whose details hold a \`google.rpc.ErrorInfo\`: \`reason\` is one of the names below, \`domain\` the package of the service that was called
(\`lethe.task.v1\`), \`metadata\` what the meaning names in backticks. Program against the reason, not against the message: reasons are added, never renamed. An \`INVALID_ARGUMENT\` also
holds a \`google.rpc.BadRequest\` with each field and rule, a release that is incomplete a \`google.rpc.PreconditionFailure\` with each missing thing, a refusal for load a
\`google.rpc.RetryInfo\`. No text holds data values.

A resource that does not exist and one that you may not see give the same \`NOT_FOUND\`. To repeat a change safely, send the same \`request_id\`: the first response comes back for 24 hours.

To see the details of an error, call with \`npm run call\` (\`buf curl\` prints them as JSON):

\`\`\`
npm run call -- --as editor data GetAll
\`\`\`

The tables are made from \`proto/lethe/*/v1/error_reason.proto\`; after a change there, \`npm test -- --project pure libs/contracts -u\` writes them again.
`;

const rowOf = (type: DescEnum, value: DescEnumValue): string | undefined => {
  const reason = value.name.replace(/^(?:COMMON_)?ERROR_REASON_/, '');
  const known = reasonOf(type.file.proto.package, reason);
  return known && `| \`${reason}\` | \`${known.code}\` | ${commentOf(type, value)} | ${known.action} |`;
};

const section = (type: DescEnum): string => {
  const title = type.name === 'CommonErrorReason' ? 'Of every service' : `Of \`${type.file.proto.package}\` alone`;
  const rows = type.values.map((value) => rowOf(type, value)).filter((row) => row !== undefined);
  return [`## ${title}`, '', '| reason | code | meaning | what to do |', '|---|---|---|---|', ...rows, ''].join('\n');
};

/** The whole page. */
export const errorPage = (): string => {
  const catalogues = [...registry].filter((type): type is DescEnum => type.kind === 'enum' && /^(?:Common)?ErrorReason$/.test(type.name));
  const sorted = catalogues.toSorted((left, right) =>
    left.name === right.name ? left.typeName.localeCompare(right.typeName) : left.name.localeCompare(right.name),
  );
  return [HEAD, ...sorted.map(section)].join('\n');
};
