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
import { BenchService } from "../../gen/bench_pb.js";
import type { Draft, Plan, Received } from "../messages.js";

/** The bench's service in the form that grpc-js takes, with protobuf-es as the codec. */
export interface BenchDefinition {
  [method: string]: MethodDefinition<Draft, Received> | MethodDefinition<Plan, Received>;
  unary: MethodDefinition<Draft, Received> & { requestStream: false; responseStream: false };
  serverStream: MethodDefinition<Plan, Received> & { requestStream: false; responseStream: true };
  clientStream: MethodDefinition<Draft, Received> & { requestStream: true; responseStream: false };
  bidi: MethodDefinition<Draft, Received> & { requestStream: true; responseStream: true };
}

/**
 * Up to this size protobuf-es's bytes are copied into a Buffer, above it they are wrapped: wrapping needs the array's
 * `buffer`, which V8 has to make first for a small array (encoding 16 B: 1.8 µs with a copy, 2.0 to 3.2 wrapped).
 */
const COPY_BELOW = 4096;

/** Returns the function that encodes messages of `schema` into the Buffer that grpc-js wants. */
function serializer(schema: DescMessage): (value: unknown) => Buffer {
  return (value) => {
    // The value is what the bench sends on a method of this schema: grpc-js has no types here.
    const bytes = toBinary(schema, create(schema, value as MessageInitShape<DescMessage>));
    if (bytes.byteLength < COPY_BELOW) return Buffer.from(bytes);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

/** Returns the function that decodes messages of `schema`. */
function deserializer(schema: DescMessage): (bytes: Buffer) => unknown {
  return (bytes) => fromBinary(schema, bytes);
}

/** Describes one method as protobuf-es knows it. */
function define(method: DescMethod): MethodDefinition<unknown, unknown> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: serializer(method.input),
    requestDeserialize: deserializer(method.input),
    responseSerialize: serializer(method.output),
    responseDeserialize: deserializer(method.output),
  };
}

/** The definition, made from the descriptors that connect-es and tristream use too. */
// The names and kinds of the methods are those of bench.proto, which the type above repeats.
export const definition = Object.fromEntries(
  BenchService.methods.map((method) => [method.localName, define(method)]),
) as BenchDefinition;
