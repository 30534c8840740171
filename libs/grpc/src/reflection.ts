// Server reflection v1 and v1alpha from the descriptor image: raw file descriptors with their dependency closure, which strict clients need.
import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { files, registry } from '@lethe/contracts/registry';
import {
  ServerReflectionService as V1,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '@lethe/contracts/gen/grpc/reflection/v1/reflection';
import { ServerReflectionService as V1Alpha } from '@lethe/contracts/gen/grpc/reflection/v1alpha/reflection';

const NOT_FOUND = 5;
const byName = new Map(files.map((file) => [file.name, file]));

const closure = (name: string, seen = new Set<string>()): FileDescriptorProto[] => {
  const file = byName.get(name);
  if (!file || seen.has(name)) return [];
  seen.add(name);
  return [file, ...file.dependency.flatMap((dependency) => closure(dependency, seen))];
};

const fileOfSymbol = (symbol: string): string | undefined => {
  const direct = registry.get(symbol);
  const parent = direct ?? registry.get(symbol.slice(0, symbol.lastIndexOf('.')));
  return parent ? `${parent.file.name}.proto` : undefined;
};

const fileOfExtension = (type: string, number: number): string | undefined => {
  for (const found of registry)
    if (found.kind === 'extension' && found.extendee.typeName === type && found.number === number) return `${found.file.name}.proto`;
  return undefined;
};

const extensionNumbers = (type: string): number[] =>
  [...registry].flatMap((found) => (found.kind === 'extension' && found.extendee.typeName === type ? [found.number] : []));

type Answer = NonNullable<ServerReflectionResponse['messageResponse']>;

const descriptors = (name: string | undefined): Answer => {
  const found = name === undefined ? [] : closure(name);
  if (found.length === 0) return { $case: 'errorResponse', value: { errorCode: NOT_FOUND, errorMessage: 'not found' } };
  return {
    $case: 'fileDescriptorResponse',
    value: { fileDescriptorProto: found.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file))) },
  };
};

const answer = (request: ServerReflectionRequest, serviceNames: readonly string[]): Answer => {
  const asked = request.messageRequest;
  switch (asked?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: serviceNames.map((name) => ({ name })) } };
    case 'fileByFilename':
      return descriptors(asked.value);
    case 'fileContainingSymbol':
      return descriptors(fileOfSymbol(asked.value));
    case 'fileContainingExtension':
      return descriptors(fileOfExtension(asked.value.containingType, asked.value.extensionNumber));
    case 'allExtensionNumbersOfType':
      return { $case: 'allExtensionNumbersResponse', value: { baseTypeName: asked.value, extensionNumber: extensionNumbers(asked.value) } };
    case undefined:
      return { $case: 'errorResponse', value: { errorCode: NOT_FOUND, errorMessage: 'not found' } };
  }
};

/** Adds both versions of the reflection service. It needs no credential and shows the contract only. */
export const addReflection = (server: Server, serviceNames: readonly string[]): void => {
  const serverReflectionInfo = (call: ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>): void => {
    call.on('data', (request: ServerReflectionRequest) => {
      call.write({ validHost: request.host, originalRequest: request, messageResponse: answer(request, serviceNames) });
    });
    call.on('end', () => call.end());
    call.on('error', () => call.end());
  };
  server.addService(V1, { serverReflectionInfo });
  server.addService(V1Alpha, { serverReflectionInfo });
};
