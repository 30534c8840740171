// The ceiling of a unary call: grpc-js alone, with the generated code of one message and no chain. Prints its port; ends with its parent.
import { Server, ServerCredentials, type MethodDefinition, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { GetUserResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { ECHO_PATH } from './echo-path.ts';

const serialize = (message: GetUserResponse): Buffer => Buffer.from(GetUserResponse.encode(message).finish());
const deserialize = (bytes: Buffer): GetUserResponse => GetUserResponse.decode(bytes);

const echo: MethodDefinition<GetUserResponse, GetUserResponse> = {
  path: ECHO_PATH,
  requestStream: false,
  responseStream: false,
  requestSerialize: serialize,
  requestDeserialize: deserialize,
  responseSerialize: serialize,
  responseDeserialize: deserialize,
};

const server = new Server();
server.addService(
  { echo },
  {
    echo: (call: ServerUnaryCall<GetUserResponse, GetUserResponse>, callback: sendUnaryData<GetUserResponse>) =>
      callback(null, call.request),
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.({ port });
});
process.on('disconnect', () => process.exit(0));
