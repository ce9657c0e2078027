// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { ByteStream, HeaderList, StreamReset, StreamSink } from "../../carrier/byte-stream.js";
import type { Peer } from "../../carrier/connection.js";
import { thrownConnectError } from "../../log/thrown.js";
import { headersFromFields } from "../../protocol/metadata.js";
import { peerError } from "../../protocol/peer-error.js";
import { type AsyncContext, captureContext, contextFrom } from "../../runtime/async-context.js";
import { announcedLength, type BareBody } from "../message/bare-body.js";
import { heldBytes, tooMuchHeld } from "../message/held-bytes.js";
import { MessageReader, type ReaderOwner } from "../message/message-reader.js";
import { MessageWriter, type WriterOwner } from "../message/message-writer.js";
import type { DeadlineEntry } from "./deadline.js";
import { type EndReceiver, holdForTwoTurns } from "./held-ends.js";
import { Observations } from "./observations.js";
import type { CallHooks, ObservedCall } from "./observe.js";
import type { RequestHead, ServerMethod } from "./request-head.js";
import { errorFromRequestReset } from "./request-reset.js";
import type { ServerCallHost } from "./server-call-host.js";
import { ServerResponse } from "./server-response.js";

/** The reason with which `context.signal` fires when a call has ended well. */
export const callEndedError: ConnectError = new ConnectError("the call has ended", Code.Canceled);

/**
 * The server's side of one call, from its headers to its status. The call ends in one of two ways: `finish` sends a status, `cut` ends
 * a call whose client can't get one. Either way, once: the signal fires, pending reads reject,
 * the handler's generator is returned, the deadline is taken back.
 */
export class ServerCall
  implements ObservedCall, StreamSink, EndReceiver, ReaderOwner, WriterOwner, DeadlineEntry
{
  readonly stream: ByteStream;
  readonly head: RequestHead;
  readonly host: ServerCallHost;
  readonly method: ServerMethod;
  readonly reader: MessageReader<unknown>;
  readonly writer: MessageWriter<unknown>;
  readonly response: ServerResponse;
  /** The status was sent, or can't reach the client. */
  over = false;
  /** Links of the server's list of calls. */
  listNext: ServerCall | null = null;
  listPrevious: ServerCall | null = null;
  /** With what the call ended; null if well, or if it has not. */
  outcome: ConnectError | null = null;
  /** A slot for the watch on a handler that outlives its call. */
  stuck: unknown = null;
  /** A slot for the handler's context. */
  context: unknown = undefined;
  /** The hooks of interceptors; null without any. */
  private observations: Observations | null = null;
  /** The one request message, if interceptors may observe it. */
  input: unknown = undefined;
  dueAt = 0;
  deadlineNext: DeadlineEntry | null = null;
  deadlinePrevious: DeadlineEntry | null = null;
  deadlineSet = false;
  private readonly list: HeaderList;
  /** The memory of the request message that the handler has taken last. */
  private held = 0;
  private invoked = false;
  /** The handler was invoked and has not settled. */
  private running = false;
  private ownContext: AsyncContext | null = null;
  /** Sends the one answer, when its turn comes. */
  private postponed: (() => void) | null = null;
  /** The source of the answers runs: its context is the call's. */
  private answering = false;
  private controller: AbortController | null = null;
  private requestHeaders: Headers | null = null;

  constructor(
    host: ServerCallHost,
    stream: ByteStream,
    list: HeaderList,
    head: RequestHead,
    method: ServerMethod,
  ) {
    this.stream = stream;
    this.host = host;
    this.list = list;
    this.head = head;
    this.method = method;
    this.reader = new MessageReader<unknown>(stream, method.request, this, method.readMaxBytes);
    this.reader.setCompression(head.readCompression);
    this.reader.single = !method.requestStream;
    this.writer = new MessageWriter<unknown>(
      stream,
      method.response,
      this,
      method.writeMaxBytes,
      head.writeCompression,
    );
    this.response = new ServerResponse(stream, head);
    if (head.dialect.framing === "bare") {
      this.reader.expectBare(announcedLength(list));
      this.writer.bare = true;
    }
    stream.sink = this;
    if (head.timeoutMs === undefined) return;
    host.owner.deadlines.add(this, head.timeoutMs);
    stream.dueAt = this.dueAt;
  }

  /** Begins; `ended`: the request has no body. */
  start(ended: boolean): void {
    if (this.method.requestStream) this.invoke(this.reader);
    if (!ended) return;
    // Clients that cancel by END_STREAM send it behind the headers. An end that comes with them needs no PING.
    if (this.method.requestStream) holdForTwoTurns(this);
    else this.reader.end();
  }

  /** The context in which the call's application code was last left; before that, a copy of the server's. */
  get asyncContext(): AsyncContext {
    this.ownContext ??= contextFrom(this.host.owner.asyncContext);
    return this.ownContext;
  }

  /** For the writer: the context of the answers' source holds from now on. */
  set asyncContext(context: AsyncContext) {
    this.ownContext = context;
    this.answering = true;
  }

  /**
   * Makes the current context the call's: listeners and the logger run in it later. A unary call skips this until code listens to
   * its signal, which saves 1 % of its time.
   */
  leftHere(): void {
    if (!this.answering) this.ownContext = captureContext();
  }

  /** The handler has the signal. */
  get listens(): boolean {
    return this.controller !== null;
  }

  /** @inheritdoc */
  observe(hooks: CallHooks): void {
    const first = this.observations === null;
    this.observations ??= new Observations(this.method.name);
    const { observations } = this;
    const tapped = observations.messages;
    observations.add(hooks, this.input);
    if (!tapped && observations.messages) {
      this.reader.wrapCodec((codec) => observations.tapped(codec, "request"));
      this.writer.wrapCodec((codec) => observations.tapped(codec, "response"));
    }
    if (first && this.over) observations.end(this.outcome, this.reader.received, this.writer.sent);
  }

  // ---- for the handler's context

  /** Fires when the call ends, with what ended it. */
  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      this.leftHere();
      if (this.over) this.controller.abort(this.outcome ?? callEndedError);
    }
    return this.controller.signal;
  }

  get requestHeader(): Headers {
    this.requestHeaders ??= headersFromFields(this.list.fields);
    return this.requestHeaders;
  }

  /** @inheritdoc */
  headersOf(part: "request" | "header" | "trailer"): Headers {
    if (part === "request") return this.requestHeader;
    return part === "header" ? this.response.header : this.response.trailer;
  }

  /** Milliseconds left, or undefined without a deadline. */
  get timeLeft(): number | undefined {
    return this.head.timeoutMs === undefined ? undefined : this.dueAt - this.host.owner.deadlines.now();
  }

  /** Sends the response headers now; nothing if they have left. */
  sendHeaders(): void {
    if (!this.over) this.response.sendHead(this.writer.compression);
  }

  /** Compression of later messages; undefined: by their size, as the options say. */
  get compress(): boolean | undefined {
    return this.writer.compress;
  }

  /** Throws if messages have to be compressed and the headers have left without a compression. */
  set compress(chosen: boolean | undefined) {
    const { writer } = this;
    const { offeredCompression } = this.head;
    // Any choice prepares the encoding, so that a choice for a later message finds it announced.
    if (chosen !== undefined && writer.compression === null && offeredCompression !== null && !this.over) {
      if (!this.response.headSent) writer.compression = offeredCompression;
      else if (chosen) {
        throw new ConnectError(
          `the headers of ${this.method.name} have left without ${this.head.dialect.encodingHeader}: set context.compress before them, or compressResponses of the server`,
          Code.Internal,
        );
      }
    }
    writer.compress = chosen;
  }

  // ---- for the handler

  /** The handler's one answer. */
  respond(message: unknown): void {
    this.handlerSettled();
    if (this.over) return;
    if (typeof message !== "object" || message === null) {
      const got = message === null ? "null" : typeof message;
      this.failed(
        new TypeError(
          `the handler of ${this.method.name} returned ${got}: return a message or its init object`,
        ),
      );
      return;
    }
    if (this.stream.answerWaits?.(true) === true) {
      const context = captureContext();
      this.postponed = () => context.runInAsyncScope(this.answer, this, message);
      return;
    }
    this.answer(message);
  }

  private answer(message: object): void {
    try {
      this.writer.write(message, false);
    } catch (error) {
      this.failed(error);
      return;
    }
    this.writer.end(() => this.finish(null));
  }

  /**
   * Sends the handler's answers from an iterable, which runs in the given context, or else in the current one. If the call is over,
   * the iterable is left at once.
   */
  respondAll(
    messages: AsyncIterable<unknown> | Iterable<unknown>,
    context: AsyncContext | null = null,
  ): void {
    if (context === null) this.writer.pump(messages);
    else context.runInAsyncScope(this.writer.pump, this.writer, messages);
  }

  /** The handler threw. */
  failed(error: unknown): void {
    this.handlerSettled(error);
    this.sourceFailed(error);
  }

  sourceFailed(error: unknown): void {
    if (!this.over) this.finish(thrownConnectError(error) ?? this.host.owner.unexpected(this, error));
  }

  /**
   * Ends with a status from the server itself: deadline, shutdown. The handler's signal fires as for a cancel. `connectionEnds`: the
   * connection ends right after.
   */
  stop(error: ConnectError, connectionEnds = false): void {
    if (this.over) return;
    if (this.stream.queuedBytes === 0) {
      this.finish(error);
      return;
    }
    // A status behind bytes that the peer doesn't take would never arrive. A connection's end is news enough: a reset before it
    // would look like a cancel to the peer.
    if (!connectionEnds) this.stream.reset("canceled");
    this.cut(error);
  }

  // ---- StreamSink

  headers(): void {}

  data(b: Uint8Array, start: number, end: number): void {
    this.reader.feed(b, start, end);
    if (!this.method.requestStream && this.reader.received > 1) this.wrongCount();
  }

  trailers(): void {
    this.end();
  }

  end(): void {
    // A handler of a single request message waits for this end, so it is not held.
    if (this.method.requestStream) this.host.heldEnds.hold(this);
    else this.reader.end();
  }

  /** @inheritdoc */
  deliverEnd(): void {
    if (!this.over) this.reader.end();
  }

  reset(reset: StreamReset): void {
    this.cut(errorFromRequestReset(reset, this.host.peer, this.method.name));
  }

  writable(): void {
    this.writer.writable();
  }

  /** @inheritdoc */
  answerTurn(): void {
    const { postponed } = this;
    this.postponed = null;
    if (this.over) return;
    if (postponed === null) this.writer.answerTurn();
    else postponed();
  }

  stopped(message: string): void {
    this.stop(new ConnectError(message, Code.ResourceExhausted));
  }

  // ---- ReaderOwner

  /** @inheritdoc */
  get peer(): Peer {
    return this.host.peer;
  }

  /** @inheritdoc */
  get reads(): "requests" {
    return "requests";
  }

  /** @inheritdoc */
  get encodingHeader(): string {
    return this.head.dialect.encodingHeader;
  }

  /** @inheritdoc */
  hold(bytes: number): ConnectError | null {
    const total = heldBytes.total - this.held + bytes;
    const { maxHeldBytes } = this.host.owner;
    if (bytes > 0 && total > maxHeldBytes) return tooMuchHeld(maxHeldBytes);
    heldBytes.total = total;
    this.held = bytes;
    return null;
  }

  readEnded(): void {
    if (this.invoked || this.over) return;
    const { reader } = this;
    const message = reader.shift();
    if (message === undefined || reader.waiting > 0) this.wrongCount();
    else this.invoke(message);
  }

  private invoke(input: unknown): void {
    const refusal = this.host.refuseCall();
    if (refusal !== null) {
      this.finish(refusal);
      return;
    }
    this.invoked = true;
    this.running = true;
    // Its place in the peer's limit is taken as long as the handler runs, whatever becomes of the stream.
    this.stream.hold();
    this.asyncContext.runInAsyncScope(this.method.invoke, this.method, this, input);
  }

  private handlerSettled(error?: unknown): void {
    if (!this.running) return;
    this.running = false;
    this.stream.release();
    if (!this.over) return;
    this.hold(0);
    this.host.owner.settledLate(this, error);
  }

  readFailed(error: ConnectError): void {
    this.finish(error);
  }

  private wrongCount(): void {
    const { received } = this.reader;
    const wrong = received === 0 ? "no request message" : `${received} request messages`;
    this.finish(peerError(`${wrong} for ${this.method.name}: exactly one is allowed`, Code.Unimplemented));
  }

  readStopped(): void {}

  // ---- WriterOwner

  beforeFirstMessage(): void {
    this.sendHeaders();
  }

  /** @inheritdoc */
  sendBody(body: BareBody): boolean {
    this.response.body = body;
    return true;
  }

  sourceEnded(): void {
    this.handlerSettled();
    this.finish(null);
  }

  sourceSettled(error: unknown): void {
    this.handlerSettled(error);
  }

  // ---- DeadlineEntry

  onDeadline(): void {
    if (this.over) {
      // Answered, but the peer has not taken it in the time that it gave.
      this.stream.reset("canceled");
      return;
    }
    this.stream.deadlinePassed?.();
    this.stop(
      peerError(
        `the deadline of ${this.head.timeoutMs} ms that the client sent (the rest of its timeoutMs) passed in ${this.method.name}, at the server; raise timeoutMs if that is too short`,
        Code.DeadlineExceeded,
      ),
    );
  }

  // ---- the two ends

  private finish(error: ConnectError | null): void {
    if (this.over) return;
    this.over = true;
    let outcome = error;
    try {
      this.sendStatus(error);
    } catch (broken) {
      // The handler's headers or trailers can't be sent: that error becomes the outcome.
      this.response.forgetMetadata();
      outcome = thrownConnectError(broken) ?? this.host.owner.unexpected(this, broken);
      this.sendStatus(outcome);
    }
    this.endCall(outcome);
    // An answer that waits for its reader does so for the time that the client gave, not longer.
    if (this.deadlineSet && this.stream.queuedBytes > 0) {
      this.stream.close(() => this.host.owner.deadlines.remove(this));
      return;
    }
    this.host.owner.deadlines.remove(this);
    if (!this.stream.closed) this.stream.close();
  }

  private sendStatus(error: ConnectError | null): void {
    const { compression } = this.writer;
    if (error === null) this.response.end(compression);
    else this.response.fail(error, compression, (reason) => this.host.owner.metadataLeftOut(this, reason));
  }

  private cut(error: ConnectError): void {
    if (this.over) return;
    this.over = true;
    this.host.owner.deadlines.remove(this);
    this.endCall(error);
  }

  private endCall(outcome: ConnectError | null): void {
    this.outcome = outcome;
    try {
      this.writer.stop();
      this.reader.fail(outcome ?? callEndedError, true);
      if (this.controller !== null)
        this.asyncContext.runInAsyncScope(this.controller.abort, this.controller, outcome ?? callEndedError);
    } finally {
      // A handler that runs on has its message still.
      if (!this.running) this.hold(0);
      this.host.owner.callEnded(this, this.running);
      this.observations?.end(outcome, this.reader.received, this.writer.sent);
    }
  }
}
