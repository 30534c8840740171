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
const RESOURCE_EXHAUSTED = 8;

// A client that reads every file of the contract, one symbol at a time, stays far below.
const MAX_REQUESTS = 2_000;

const byName = new Map(files.map((file) => [file.name, file]));

const closure = (name: string, seen = new Set<string>()): FileDescriptorProto[] => {
  const file = byName.get(name);
  if (!file || seen.has(name)) return [];
  seen.add(name);
  return [file, ...file.dependency.flatMap((dependency) => closure(dependency, seen))];
};

const encoded = new Map<string, Buffer[]>();

/** The bytes of a file and of all that it imports, encoded once. */
const encodedClosure = (name: string): Buffer[] => {
  const known = encoded.get(name) ?? closure(name).map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
  if (byName.has(name)) encoded.set(name, known);
  return known;
};

const fileOfSymbol = (symbol: string): string | undefined => {
  const direct = registry.get(symbol);
  const parent = direct ?? registry.get(symbol.slice(0, symbol.lastIndexOf('.')));
  return parent ? `${parent.file.name}.proto` : undefined;
};

const extensions = [...registry].flatMap((found) =>
  found.kind === 'extension' ? [{ type: found.extendee.typeName, number: found.number, file: `${found.file.name}.proto` }] : [],
);

const fileOfExtension = (type: string, number: number): string | undefined =>
  extensions.find((found) => found.type === type && found.number === number)?.file;

const extensionNumbers = (type: string): number[] => extensions.flatMap((found) => (found.type === type ? [found.number] : []));

type Found = NonNullable<ServerReflectionResponse['messageResponse']>;

const descriptors = (name: string | undefined): Found => {
  const found = name === undefined ? [] : encodedClosure(name);
  if (found.length === 0) return { $case: 'errorResponse', value: { errorCode: NOT_FOUND, errorMessage: 'not found' } };
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: found } };
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

type Call = ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;

const send = (call: Call, response: ServerReflectionResponse): Promise<void> =>
  new Promise((resolve, reject) => {
    call.once('cancelled', resolve);
    call.write(response, (error?: Error | null) => {
      call.off('cancelled', resolve);
      if (error) reject(error);
      else resolve();
    });
  });

/** Responds to one request after the other: the next is read when the client has taken the response to the last one. */
const respond = async (call: Call, serviceNames: readonly string[]): Promise<void> => {
  let count = 0;
  // An iterator that destroys the stream when it is left would take the status with it.
  for await (const request of call.iterator({ destroyOnReturn: false }) as AsyncIterable<ServerReflectionRequest>) {
    count += 1;
    if (count > MAX_REQUESTS)
      throw Object.assign(new Error('too many requests on one stream'), { code: RESOURCE_EXHAUSTED, details: 'open another stream' });
    await send(call, { validHost: request.host, originalRequest: request, messageResponse: find(request, serviceNames) });
  }
};

/** Adds both versions of the reflection service. It needs no credential and shows the contract only. */
export const addReflection = (server: Server, serviceNames: readonly string[]): void => {
  const serverReflectionInfo = (call: Call): void => {
    void respond(call, serviceNames).then(
      () => call.end(),
      (error: unknown) => {
        if (!call.cancelled) call.emit('error', error);
      },
    );
  };
  for (const { fullName, methods } of [V1, V1Alpha]) {
    const method = anyMethod(methods.serverReflectionInfo);
    server.addService({ serverReflectionInfo: grpcMethod(fullName, method) }, { serverReflectionInfo });
  }
};
