// SPDX-License-Identifier: Apache-2.0
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import type { Greeting, Named } from "./library.js";

type Definition<RequestStream, ResponseStream> = MethodDefinition<Named, Greeting> & {
  requestStream: RequestStream;
  responseStream: ResponseStream;
};

function define<Q extends boolean, S extends boolean>(method: DescMethod): Definition<Q, S> {
  const { methodKind } = method;
  const definition: MethodDefinition<Named, Greeting> = {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    requestSerialize: serializer(method.input),
    requestDeserialize: deserializer(method.input),
    responseSerialize: serializer(method.output),
    responseDeserialize: deserializer(method.output),
  };
  return definition as Definition<Q, S>;
}

function serializer(schema: DescMessage): (value: unknown) => Buffer {
  return (value) => Buffer.from(toBinary(schema, create(schema, value as MessageInitShape<DescMessage>)));
}

function deserializer<T>(schema: DescMessage): (bytes: Buffer) => T {
  return (bytes) => fromBinary(schema, bytes) as T;
}

/** The greet service in the form of grpc-js and nice-grpc, with protobuf-es as the codec. */
export const definition = {
  greet: define<false, false>(GreetService.method.greet),
  greetServerStream: define<false, true>(GreetService.method.greetServerStream),
  greetClientStream: define<true, false>(GreetService.method.greetClientStream),
  greetStream: define<true, true>(GreetService.method.greetStream),
};
