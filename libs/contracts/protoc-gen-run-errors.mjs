// A plugin of the generator: writes the catalogue of run errors as constants, so that the compiler knows each reason and the facts of its sentence.
import { createFileRegistry, fromBinary, create, getOption, hasOption, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  CodeGeneratorResponse_Feature,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';

const PREFIX = 'RUN_ERROR_REASON_';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const request = fromBinary(CodeGeneratorRequestSchema, Buffer.concat(chunks));
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
const runError = registry.getExtension('lethe.options.v1.run_error');
const reasons = registry.getEnum('lethe.data.v1.RunErrorReason');

const lines = reasons.values
  .filter((value) => hasOption(value, runError))
  .map((value) => {
    const { transient, sentence, action } = getOption(value, runError);
    return `  ${value.name.slice(PREFIX.length)}: ${JSON.stringify({ transient, sentence, action })},`;
  });
const content = `/* Generated from lethe/data/v1/run_error_reason.proto. */\nexport const RUN_ERRORS = {\n${lines.join('\n')}\n} as const;\n`;
const response = create(CodeGeneratorResponseSchema, {
  supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL),
  file: [{ name: 'lethe/data/v1/run_errors.ts', content }],
});
process.stdout.write(toBinary(CodeGeneratorResponseSchema, response));
