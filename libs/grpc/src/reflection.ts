// Server reflection v1 and v1alpha from the descriptor image: raw file descriptors with their dependency closure, which strict clients need.
import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { files, registry } from '@lethe/contracts/registry';
import {
  ServerReflectionDefinition as V1,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '@lethe/contracts/gen/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as V1Alpha } from '@lethe/contracts/gen/grpc/reflection/v1alpha/reflection';
import { anyMethod, grpcMethod } from './definition.ts';

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

type Found = NonNullable<ServerReflectionResponse['messageResponse']>;

const descriptors = (name: string | undefined): Found => {
  const found = name === undefined ? [] : closure(name);
  if (found.length === 0) return { $case: 'errorResponse', value: { errorCode: NOT_FOUND, errorMessage: 'not found' } };
  return {
    $case: 'fileDescriptorResponse',
    value: { fileDescriptorProto: found.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file))) },
  };
};

const find = (request: ServerReflectionRequest, serviceNames: readonly string[]): Found => {
  const wanted = request.messageRequest;
  switch (wanted?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: serviceNames.map((name) => ({ name })) } };
    case 'fileByFilename':
      return descriptors(wanted.value);
    case 'fileContainingSymbol':
      return descriptors(fileOfSymbol(wanted.value));
    case 'fileContainingExtension':
      return descriptors(fileOfExtension(wanted.value.containingType, wanted.value.extensionNumber));
    case 'allExtensionNumbersOfType':
      return {
        $case: 'allExtensionNumbersResponse',
        value: { baseTypeName: wanted.value, extensionNumber: extensionNumbers(wanted.value) },
      };
    case undefined:
      return { $case: 'errorResponse', value: { errorCode: NOT_FOUND, errorMessage: 'not found' } };
  }
};

/** Adds both versions of the reflection service. It needs no credential and shows the contract only. */
export const addReflection = (server: Server, serviceNames: readonly string[]): void => {
  const serverReflectionInfo = (call: ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>): void => {
    call.on('data', (request: ServerReflectionRequest) => {
      call.write({ validHost: request.host, originalRequest: request, messageResponse: find(request, serviceNames) });
    });
    call.on('end', () => call.end());
    call.on('error', () => call.end());
  };
  for (const { fullName, methods } of [V1, V1Alpha]) {
    const method = anyMethod(methods.serverReflectionInfo);
    server.addService({ serverReflectionInfo: grpcMethod(fullName, method) }, { serverReflectionInfo });
  }
};
