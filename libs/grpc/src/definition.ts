// The generated description of a service as the definition that grpc-js takes.
import type { MethodDefinition as GrpcMethod } from '@grpc/grpc-js';
import type { MessageType, MethodDefinition } from '@lethe/contracts/message';

/** The generated codec of a message whose type is known at run time only. */
export type AnyMessageType = MessageType<unknown> & { fromPartial: (value: object) => object };

/** The generated description of a method whose messages are known at run time only. */
export type AnyMethod = Omit<MethodDefinition, 'requestType' | 'responseType'> & {
  requestType: AnyMessageType;
  responseType: AnyMessageType;
  requestStream?: boolean;
};

/**
 * A method of a contract without its message types. The generated codecs take any plain object, but a type cannot say so for a method that is found
 * at run time; this is the one place where the types are dropped.
 */
export const anyMethod = (method: MethodDefinition): AnyMethod => method as unknown as AnyMethod;

/** The bytes of a message. */
export const serialize = (type: AnyMessageType, message: unknown): Buffer => Buffer.from(type.encode(message).finish());

/** `/lethe.task.v1.EtlTaskManager/Start` */
export const pathOf = (serviceName: string, method: { name: string }): string => `/${serviceName}/${method.name}`;

/** A method with its messages encoded and decoded by the generated code. */
export const grpcMethod = (serviceName: string, method: AnyMethod): GrpcMethod<unknown, unknown> => ({
  path: pathOf(serviceName, method),
  requestStream: method.requestStream ?? false,
  responseStream: method.responseStream,
  requestSerialize: (message) => serialize(method.requestType, message),
  requestDeserialize: (bytes) => method.requestType.decode(bytes),
  responseSerialize: (message) => serialize(method.responseType, message),
  responseDeserialize: (bytes) => method.responseType.decode(bytes),
});
