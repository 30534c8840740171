// What the generated code says of messages and services, as types that libraries can take as arguments.

/** The generated codec of a message; `$type` is its full name. */
export type MessageType<M> = {
  readonly $type: string;
  encode: (message: M) => { finish: () => Uint8Array };
  decode: (bytes: Uint8Array) => M;
};

// What is common to the codecs of all messages; `never` takes any of their arguments.
type SomeMessageType = {
  readonly $type: string;
  encode: (message: never) => { finish: () => Uint8Array };
  decode: (bytes: Uint8Array) => unknown;
  fromPartial: (message: never) => unknown;
};

/** The generated description of a method. */
export type MethodDefinition = {
  readonly name: string;
  readonly requestType: SomeMessageType;
  readonly responseType: SomeMessageType;
  readonly responseStream: boolean;
};

/** The generated description of a service; `methods` by their name in the code. */
export type ServiceContract = { readonly name: string; readonly fullName: string; readonly methods: Record<string, MethodDefinition> };

/** The request of a method, with all its fields. */
export type RequestOf<D extends MethodDefinition> = ReturnType<D['requestType']['decode']>;

/** The request of a method as a client may write it: fields of any depth that are absent have their default. */
export type PartialRequestOf<D extends MethodDefinition> = Parameters<D['requestType']['fromPartial']>[0];

/** The response of a method. */
export type ResponseOf<D extends MethodDefinition> = ReturnType<D['responseType']['decode']>;
