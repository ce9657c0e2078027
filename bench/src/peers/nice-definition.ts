// SPDX-License-Identifier: Apache-2.0
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { TsProtoServiceDefinition } from "nice-grpc";
import { BenchService } from "../../gen/bench_pb.js";
import type { Draft, Plan, Received } from "../messages.js";

/** A message in the form of ts-proto's generated code. */
interface NiceMessage<Out, In> {
  encode(message: Out): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Out;
  fromPartial(object: In): Out;
}

/** A method in the form of ts-proto's generated code. */
interface NiceMethod<Request, RequestStream extends boolean, ResponseStream extends boolean> {
  name: string;
  requestType: NiceMessage<Request, Request>;
  requestStream: RequestStream;
  responseType: NiceMessage<Received, Draft>;
  responseStream: ResponseStream;
  options: Record<never, never>;
}

/** The bench's service in the form that nice-grpc takes, with protobuf-es as the codec. */
export interface NiceDefinition extends TsProtoServiceDefinition {
  methods: {
    unary: NiceMethod<Draft, false, false>;
    serverStream: NiceMethod<Plan, false, true>;
    clientStream: NiceMethod<Draft, true, false>;
    bidi: NiceMethod<Draft, true, true>;
  };
}

/** Describes a message by protobuf-es's own functions. */
function messageType(schema: DescMessage): NiceMessage<unknown, unknown> {
  return {
    // The message is of this schema: fromPartial has made it.
    encode: (message) => ({ finish: () => toBinary(schema, message as ReturnType<typeof create>) }),
    decode: (bytes) => fromBinary(schema, bytes),
    // The value is what the bench sends on a method of this schema: nice-grpc has no types here.
    fromPartial: (object) => create(schema, object as MessageInitShape<DescMessage>),
  };
}

/** Describes one method as protobuf-es knows it. */
function define(method: DescMethod): NiceMethod<unknown, boolean, boolean> {
  return {
    name: method.name,
    requestType: messageType(method.input),
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseType: messageType(method.output) as NiceMessage<Received, Draft>,
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    options: {},
  };
}

/**
 * The definition, made from the same descriptors as everybody's. In this form, ts-proto's, nice-grpc copies no message
 * that arrives; in grpc-js's form it copies each.
 */
// The names and kinds of the methods are those of bench.proto, which the type above repeats.
export const definition = {
  name: BenchService.name,
  fullName: BenchService.typeName,
  methods: Object.fromEntries(BenchService.methods.map((method) => [method.localName, define(method)])),
} as unknown as NiceDefinition;
