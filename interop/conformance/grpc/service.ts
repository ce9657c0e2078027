// SPDX-License-Identifier: Apache-2.0
// gRPC's test service, as doc/interop-test-descriptions.md of grpc/grpc has it.
import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Code,
  ConnectError,
  Code as codes,
  type TripleContext,
  type TripleServiceImpl,
} from "@tristream/node";
import type {
  BoolValue,
  EchoStatus,
  ResponseParameters,
  StreamingOutputCallResponseSchema,
} from "./gen/grpc/testing/messages_pb.js";
import type { TestService } from "./gen/grpc/testing/test_pb.js";

/** Of both sides, in bytes: the largest message of the cases has some 314,000. */
export const receiveLimit = 400_000;

/** Metadata that the service sends back as headers, and as trailers. */
export const echoed = {
  initial: "x-grpc-test-echo-initial",
  trailing: "x-grpc-test-echo-trailing-bin",
} as const;

type Served = Omit<
  TripleServiceImpl<typeof TestService>,
  "unimplementedCall" | "cacheableUnaryCall" | "halfDuplexCall"
>;

/** All that the cases ask for; `unimplementedCall` must be unknown. */
export const testService: Served = {
  emptyCall: () => ({}),

  async unaryCall(request, context) {
    checkFlag(request.expectCompressed, context);
    echoMetadata(context);
    throwAsked(request.responseStatus);
    context.compress = request.responseCompressed?.value;
    return { payload: zeros(request.responseSize) };
  },

  async streamingInputCall(requests, context) {
    let aggregatedPayloadSize = 0;
    for await (const { expectCompressed, payload } of requests) {
      checkFlag(expectCompressed, context);
      aggregatedPayloadSize += payload?.body.length ?? 0;
    }
    return { aggregatedPayloadSize };
  },

  async *streamingOutputCall(request, context) {
    yield* answers(request.responseParameters, context);
  },

  async *fullDuplexCall(requests, context) {
    echoMetadata(context);
    for await (const request of requests) {
      throwAsked(request.responseStatus);
      yield* answers(request.responseParameters, context);
    }
  },
};

async function* answers(
  parameters: readonly ResponseParameters[],
  context: TripleContext,
): AsyncGenerator<MessageInitShape<typeof StreamingOutputCallResponseSchema>> {
  for (const { size, intervalUs, compressed } of parameters) {
    if (intervalUs > 0) await sleep(intervalUs / 1000, undefined, { signal: context.signal });
    context.compress = compressed?.value;
    yield { payload: zeros(size) };
  }
}

/** Rejects a message that did not come as the message says that it does. */
function checkFlag(expected: BoolValue | undefined, { requestCompressed }: TripleContext): void {
  if (expected === undefined || expected.value === requestCompressed) return;
  throw new ConnectError(
    `the message came ${requestCompressed ? "" : "un"}compressed, against its expect_compressed`,
    codes.InvalidArgument,
  );
}

function echoMetadata(context: TripleContext): void {
  const initial = context.requestHeader.get(echoed.initial);
  if (initial !== null) {
    context.responseHeader.set(echoed.initial, initial);
    context.sendHeaders();
  }
  const trailing = context.requestHeader.get(echoed.trailing);
  if (trailing !== null) context.responseTrailer.set(echoed.trailing, trailing);
}

function throwAsked(status: EchoStatus | undefined): void {
  if (status !== undefined && status.code !== 0) throw new ConnectError(status.message, status.code as Code);
}

function zeros(size: number): { body: Uint8Array<ArrayBuffer> } {
  return { body: new Uint8Array(size) };
}
