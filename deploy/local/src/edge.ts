// gRPC-Web and JSON over HTTP for all six services: the local stand-in for Envoy. It forwards by descriptor and holds no rules of its own.
import {
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageShape,
} from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { ConnectError, type ConnectRouter, type HandlerContext, type Transport } from '@connectrpc/connect';
import { connectNodeAdapter, createGrpcTransport } from '@connectrpc/connect-node';
import { descriptorBytes, services } from '@lethe/contracts/registry';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Noun } from '@lethe/contracts/nouns';

/** A running edge. */
export type Edge = { url: string; close: () => void };

type AnyMessage = MessageShape<DescMessage>;

// As much as a service takes, in the form in which it is sent.
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const FORWARDED = ['authorization', 'lethe-min-authz-revision', 'traceparent'];
const CORS = {
  'access-control-allow-methods': 'POST, GET, OPTIONS',
  'access-control-allow-headers':
    'authorization, content-type, connect-protocol-version, connect-timeout-ms, x-grpc-web, x-user-agent, grpc-timeout, lethe-min-authz-revision, traceparent',
  'access-control-expose-headers': 'grpc-status, grpc-message, grpc-status-details-bin',
};

const forwardedHeaders = (headers: Headers): Headers => {
  const kept = new Headers();
  for (const name of FORWARDED) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept;
};

const unary =
  (transport: Transport, method: DescMethodUnary) =>
  async (request: AnyMessage, call: HandlerContext): Promise<AnyMessage> =>
    (await transport.unary(method, call.signal, call.timeoutMs(), forwardedHeaders(call.requestHeader), request)).message;

async function* once(message: AnyMessage): AsyncIterable<AnyMessage> {
  yield message;
}

const stream = (transport: Transport, method: DescMethodServerStreaming) =>
  async function* (request: AnyMessage, call: HandlerContext): AsyncIterable<AnyMessage> {
    const response = await transport.stream(method, call.signal, call.timeoutMs(), forwardedHeaders(call.requestHeader), once(request));
    yield* response.message;
  };

const isUnary = (method: DescMethod): method is DescMethodUnary => method.methodKind === 'unary';
const isServerStream = (method: DescMethod): method is DescMethodServerStreaming => method.methodKind === 'server_streaming';

const forward = (transport: Transport, method: DescMethod): unknown => {
  if (isUnary(method)) return unary(transport, method);
  if (isServerStream(method)) return stream(transport, method);
  throw new ConnectError(`${method.name} is not forwarded`);
};

const register = (router: ConnectRouter, service: DescService, transport: Transport): void => {
  router.service(
    service,
    Object.fromEntries(service.methods.map((method) => [method.localName, forward(transport, method)])) as Parameters<
      typeof router.service
    >[1],
  );
};

const refuse = (request: IncomingMessage, response: ServerResponse): void => {
  const refusal = JSON.stringify({ code: 'unauthenticated', message: 'The call needs a bearer token.' });
  response.writeHead(401, { 'content-type': 'application/json', connection: 'close' }).end(refusal);
  request.resume();
};

/** Starts the edge in front of the six services. Pages of the listed origins may call it from a browser, and no others. */
export const startEdge = async (port: number, addresses: Record<Noun, string>, origins: readonly string[]): Promise<Edge> => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorBytes));
  const handle = connectNodeAdapter({
    grpc: false,
    // A misspelled field is refused, as by grpcurl: what is not read must not look as if it were.
    jsonOptions: { registry, ignoreUnknownFields: false },
    readMaxBytes: MAX_REQUEST_BYTES,
    // What is small when it is sent may be large when it is unpacked.
    acceptCompression: [],
    routes: (router) => {
      for (const service of services()) {
        const noun = service.file.proto.package.split('.')[1] as Noun;
        register(router, service, createGrpcTransport({ baseUrl: `http://${addresses[noun]}` }));
      }
    },
  });
  const server = createServer((request, response) => {
    const { origin } = request.headers;
    response.setHeader('vary', 'origin');
    if (origin !== undefined && !origins.includes(origin)) {
      response.writeHead(403).end();
      return;
    }
    if (origin !== undefined) response.setHeader('access-control-allow-origin', origin);
    for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value);
    if (request.method === 'OPTIONS') response.writeHead(204).end();
    // The services say so too, but what has no credential is not read first.
    else if (!/^Bearer \S+$/i.test(request.headers.authorization ?? '')) refuse(request, response);
    else handle(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
