// SPDX-License-Identifier: Apache-2.0
// One call of the suite by each kind of method, with the cancellations that it asks for.
import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  type BidiStream,
  type CallOptions,
  type ClientStream,
  createClient,
  type ServerStream,
  type Transport,
} from "@tristream/node";
import type {
  ClientCompatRequest,
  ClientResponseResult,
} from "./gen/connectrpc/conformance/v1/client_compat_pb.js";
import { ClientResponseResultSchema } from "./gen/connectrpc/conformance/v1/client_compat_pb.js";
import { StreamType } from "./gen/connectrpc/conformance/v1/config_pb.js";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  type ConformancePayload,
  ConformancePayloadSchema,
  ConformanceService,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  UnaryRequestSchema,
  UnimplementedRequestSchema,
} from "./gen/connectrpc/conformance/v1/service_pb.js";
import { appendHeaders, fromConnectError, fromHeaders } from "./wire-types.js";

/** Makes the call that a request describes. Rejects only for a request that can't be understood. */
export async function makeCall(
  transport: Transport,
  request: ClientCompatRequest,
): Promise<ClientResponseResult> {
  const call = new SuiteCall(request);
  const client = createClient(ConformanceService, transport);
  const { options } = call;
  switch (request.method) {
    case "Unary":
      return call.unary(client.unary(call.only(UnaryRequestSchema), options));
    case "IdempotentUnary":
      return call.unary(client.idempotentUnary(call.only(IdempotentUnaryRequestSchema), options));
    case "Unimplemented":
      return call.unary(client.unimplemented(call.only(UnimplementedRequestSchema), options));
    case "ServerStream":
      return call.serverStream(client.serverStream(call.only(ServerStreamRequestSchema), options));
    case "ClientStream":
      return call.clientStream(client.clientStream(options), call.messages(ClientStreamRequestSchema));
    case "BidiStream":
      return call.bidiStream(client.bidiStream(options), call.messages(BidiStreamRequestSchema));
    default:
      throw new Error(`method ${request.method}: not one of the suite's`);
  }
}

interface Answer {
  payload?: ConformancePayload | undefined;
}

/** The suite's servers answer 200 ms after a cancel that a timer makes. */
const mostLateMs = 100;

/** One call, and what came of it. */
class SuiteCall {
  readonly options: CallOptions;
  private readonly request: ClientCompatRequest;
  private readonly result = create(ClientResponseResultSchema);
  private readonly controller = new AbortController();
  /** By how much the timer that cancels the call was late, or is if it has not fired. */
  private lateMs = (): number => 0;
  private receivedAtClose = 0;

  constructor(request: ClientCompatRequest) {
    this.request = request;
    const { result } = this;
    this.options = {
      headers: appendHeaders(new Headers(), request.requestHeaders),
      signal: this.controller.signal,
      ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
      onHeader: (headers) => {
        result.responseHeaders = create(ClientResponseResultSchema, {
          responseHeaders: fromHeaders(headers),
        }).responseHeaders;
      },
      onTrailer: (trailers) => {
        result.responseTrailers = create(ClientResponseResultSchema, {
          responseTrailers: fromHeaders(trailers),
        }).responseTrailers;
      },
    };
  }

  /** The request's messages. */
  messages<Desc extends DescMessage>(schema: Desc): MessageShape<Desc>[] {
    return this.request.requestMessages.map((any) => {
      const message = anyUnpack(any, schema);
      if (message === undefined) throw new Error(`a request is ${any.typeUrl}, not ${schema.typeName}`);
      return message;
    });
  }

  /** The request's only message. */
  only<Desc extends DescMessage>(schema: Desc): MessageShape<Desc> {
    const [message, ...more] = this.messages(schema);
    if (message === undefined || more.length > 0) throw new Error("not exactly one request message");
    return message;
  }

  async unary(answer: Promise<object>): Promise<ClientResponseResult> {
    this.requestClosed();
    return this.outcome(async () => this.received(await answer));
  }

  async serverStream(stream: ServerStream<Answer>): Promise<ClientResponseResult> {
    this.requestClosed();
    return this.outcome(() => this.receiveAll(stream));
  }

  async clientStream(
    stream: ClientStream<MessageInitShape<typeof ClientStreamRequestSchema>, Answer>,
    messages: MessageInitShape<typeof ClientStreamRequestSchema>[],
  ): Promise<ClientResponseResult> {
    await this.sendAll(stream, messages);
    if (this.cancelsAt("beforeCloseSend")) stream.cancel();
    const answer = stream.closeAndReceive();
    this.requestClosed();
    return this.outcome(async () => this.received(await answer));
  }

  async bidiStream(
    stream: BidiStream<MessageInitShape<typeof BidiStreamRequestSchema>, Answer>,
    messages: MessageInitShape<typeof BidiStreamRequestSchema>[],
  ): Promise<ClientResponseResult> {
    const fullDuplex = this.request.streamType === StreamType.FULL_DUPLEX_BIDI_STREAM;
    return this.outcome(async () => {
      await this.sendAll(stream, messages, async () => !fullDuplex || (await this.receiveOne(stream)));
      if (this.cancelsAt("beforeCloseSend")) stream.cancel();
      const closed = stream.closeRequest();
      this.requestClosed();
      await closed;
      await this.receiveAll(stream);
    });
  }

  /** Sends messages one after the other, as long as `goesOn`. What is left when one can't be sent counts as unsent. */
  private async sendAll<T>(
    stream: { send(message: T): Promise<void> },
    messages: T[],
    goesOn = () => Promise.resolve(true),
  ): Promise<void> {
    for (const [at, message] of messages.entries()) {
      await sleep(this.request.requestDelayMs);
      try {
        await stream.send(message);
      } catch {
        // The read rejects with the reason.
        this.result.numUnsentRequests = messages.length - at;
        return;
      }
      if (!(await goesOn())) return;
    }
  }

  private async receiveAll(stream: ServerStream<Answer>): Promise<void> {
    while (await this.receiveOne(stream));
  }

  /** False at the end of the stream. */
  private async receiveOne(stream: ServerStream<Answer>): Promise<boolean> {
    const answer = await stream.receive();
    if (answer === undefined) return false;
    this.received(answer);
    const timing = this.request.cancel?.cancelTiming;
    if (timing?.case === "afterNumResponses" && timing.value === this.result.payloads.length) stream.cancel();
    return true;
  }

  private received(answer: Answer): void {
    this.result.payloads.push(answer.payload ?? create(ConformancePayloadSchema));
  }

  private cancelsAt(moment: "beforeCloseSend"): boolean {
    return this.request.cancel?.cancelTiming.case === moment;
  }

  /** The request is complete: from here on, the test may want to cancel. */
  private requestClosed(): void {
    const { cancel } = this.request;
    if (cancel === undefined) return;
    const { cancelTiming } = cancel;
    if (cancelTiming.case !== undefined && cancelTiming.case !== "afterCloseSendMs") return;
    const ms = cancelTiming.value ?? 0;
    const dueAt = performance.now() + ms;
    this.receivedAtClose = this.result.payloads.length;
    this.lateMs = () => performance.now() - dueAt;
    setTimeout(() => {
      const fired = this.lateMs();
      this.lateMs = () => fired;
      this.controller.abort();
    }, ms);
  }

  private async outcome(read: () => Promise<void>): Promise<ClientResponseResult> {
    try {
      await read();
    } catch (error) {
      this.result.error = fromConnectError(error);
    }
    const lateMs = this.lateMs();
    const overtaken = this.result.error === undefined || this.result.payloads.length > this.receivedAtClose;
    // Answers came before the cancel because the process did not run: that says nothing of the call.
    if (overtaken && lateMs > mostLateMs)
      throw new Error(`the timer of the cancel is ${Math.round(lateMs)} ms late`);
    return this.result;
  }
}
