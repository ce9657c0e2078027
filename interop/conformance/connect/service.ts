// SPDX-License-Identifier: Apache-2.0
// The suite's service: each request says what to answer, and each answer says what was asked.
import { setTimeout as sleep } from "node:timers/promises";
import { create, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import type { TripleContext, TripleServiceImpl } from "@tristream/node";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  ConformancePayload_RequestInfoSchema,
  type ConformancePayloadSchema,
  type ConformanceService,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "./gen/connectrpc/conformance/v1/service_pb.js";
import { appendHeaders, fromHeaders, toConnectError } from "./wire-types.js";

type Payload = MessageInitShape<typeof ConformancePayloadSchema>;
type RequestInfo = MessageShape<typeof ConformancePayload_RequestInfoSchema>;

/** All but `unimplemented`, which a server must not know. */
export const conformance: Omit<TripleServiceImpl<typeof ConformanceService>, "unimplemented"> = {
  async unary(request, context) {
    return {
      payload: await answerOnce(request.responseDefinition, [anyPack(UnaryRequestSchema, request)], context),
    };
  },

  async idempotentUnary(request, context) {
    const requests = [anyPack(IdempotentUnaryRequestSchema, request)];
    return { payload: await answerOnce(request.responseDefinition, requests, context) };
  },

  async clientStream(messages, context) {
    let definition: UnaryResponseDefinition | undefined;
    const requests: Any[] = [];
    for await (const request of messages) {
      if (requests.length === 0) definition = request.responseDefinition;
      requests.push(anyPack(ClientStreamRequestSchema, request));
    }
    return { payload: await answerOnce(definition, requests, context) };
  },

  async *serverStream(request, context) {
    const answers = new Answers(request.responseDefinition, context);
    answers.begin();
    const requests = [anyPack(ServerStreamRequestSchema, request)];
    while (answers.left > 0)
      yield await answers.next(answers.sent === 0 ? infoOf(requests, context) : undefined);
    answers.end(requests);
  },

  async *bidiStream(messages, context) {
    let answers = new Answers(undefined, context);
    let fullDuplex = false;
    let requests: Any[] = [];
    let begun = false;
    for await (const request of messages) {
      requests.push(anyPack(BidiStreamRequestSchema, request));
      if (!begun) {
        begun = true;
        ({ fullDuplex } = request);
        answers = new Answers(request.responseDefinition, context);
        if (fullDuplex) answers.begin();
      }
      if (!fullDuplex) continue;
      if (answers.left === 0) break;
      yield await answers.next(answers.sent === 0 ? infoOf(requests, context) : requestsOnly(requests));
      requests = [];
    }
    if (!fullDuplex) answers.begin();
    while (answers.left > 0)
      yield await answers.next(answers.sent === 0 ? infoOf(requests, context) : undefined);
    answers.end(requests);
  },
};

/** The one answer of a call, or its error, as the definition says. */
async function answerOnce(
  definition: UnaryResponseDefinition | undefined,
  requests: Any[],
  context: TripleContext,
): Promise<Payload> {
  const requestInfo = infoOf(requests, context);
  if (definition === undefined) return { requestInfo };
  const { response, responseHeaders, responseTrailers, responseDelayMs } = definition;
  appendHeaders(context.responseHeader, responseHeaders);
  appendHeaders(context.responseTrailer, responseTrailers);
  await pause(responseDelayMs, context);
  if (response.case === "error") throw toConnectError(response.value, [packed(requestInfo)]);
  return { requestInfo, ...(response.case === "responseData" ? { data: response.value } : {}) };
}

/** The answers of a stream, in the order of its definition. */
class Answers {
  sent = 0;
  private readonly definition: StreamResponseDefinition | undefined;
  private readonly context: TripleContext;

  constructor(definition: StreamResponseDefinition | undefined, context: TripleContext) {
    this.definition = definition;
    this.context = context;
  }

  get left(): number {
    return (this.definition?.responseData.length ?? 0) - this.sent;
  }

  /** Sets the metadata; with answers to come, the headers leave at once. */
  begin(): void {
    if (this.definition === undefined) return;
    appendHeaders(this.context.responseHeader, this.definition.responseHeaders);
    appendHeaders(this.context.responseTrailer, this.definition.responseTrailers);
    if (this.left > 0) this.context.sendHeaders();
  }

  async next(requestInfo: RequestInfo | undefined): Promise<{ payload: Payload }> {
    const { responseData, responseDelayMs } = this.definition!;
    await pause(responseDelayMs, this.context);
    const data = responseData[this.sent++]!;
    return { payload: { data, ...(requestInfo === undefined ? {} : { requestInfo }) } };
  }

  /** Throws the error that the definition asks for. Without an answer before it, the error says what was asked. */
  end(requests: Any[]): void {
    const error = this.definition?.error;
    if (error === undefined) return;
    throw toConnectError(error, this.sent === 0 ? [packed(infoOf(requests, this.context))] : []);
  }
}

/** Waits; rejects when the call ends meanwhile. */
function pause(ms: number, { signal }: TripleContext): Promise<void> {
  return ms > 0 ? sleep(ms, undefined, { signal }) : Promise.resolve();
}

/** A call as the server saw it. */
function infoOf(requests: Any[], context: TripleContext): RequestInfo {
  const timeoutMs = context.timeoutMs();
  return create(ConformancePayload_RequestInfoSchema, {
    requests,
    requestHeaders: fromHeaders(context.requestHeader),
    ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.round(timeoutMs)) }),
  });
}

function requestsOnly(requests: Any[]): RequestInfo {
  return create(ConformancePayload_RequestInfoSchema, { requests });
}

function packed(info: RequestInfo): Any {
  return anyPack(ConformancePayload_RequestInfoSchema, info);
}
