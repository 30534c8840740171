// Calls as bytes, without any help of the client: what a foreign client may send.
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { MethodInfo } from '@lethe/contracts/registry';
import { fromServiceError, type CallError } from '@lethe/grpc/errors';

/** How a call ended: an error, or the bytes of the response, of a stream the first message's. */
export type Outcome = { error: CallError | undefined; bytes: Buffer };

/** Passes bytes on as they are. */
export const RAW = (bytes: Buffer): Buffer => bytes;

/** Metadata with a token. */
export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** Sends raw bytes to a method. */
export const callRaw = (call: {
  address: string;
  method: MethodInfo;
  request: Buffer;
  metadata?: Record<string, string>;
  deadlineMs?: number;
}): Promise<Outcome> => {
  const client = new Client(call.address, credentials.createInsecure());
  const headers = new Metadata();
  for (const [name, value] of Object.entries(call.metadata ?? {})) headers.add(name, value);
  const options = { deadline: Date.now() + (call.deadlineMs ?? 20_000) };
  const path = `/${call.method.fullName}`;
  return new Promise<Outcome>((resolve) => {
    const failed = (error: ServiceError): void => resolve({ error: fromServiceError(error), bytes: Buffer.alloc(0) });
    if (call.method.streaming) {
      const stream = client.makeServerStreamRequest(path, RAW, RAW, call.request, headers, options);
      stream.on('data', (bytes: Buffer) => {
        stream.cancel();
        resolve({ error: undefined, bytes });
      });
      stream.on('error', failed);
      stream.on('end', () => resolve({ error: undefined, bytes: Buffer.alloc(0) }));
    } else {
      client.makeUnaryRequest(path, RAW, RAW, call.request, headers, options, (error, bytes) =>
        error ? failed(error) : resolve({ error: undefined, bytes: bytes ?? Buffer.alloc(0) }),
      );
    }
  }).finally(() => client.close());
};
