// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import type { ByteStream, HeaderBlock, HeaderList, StreamSink } from "../../carrier/byte-stream.js";
import type { Connection, ConnectionEvents, Peer } from "../../carrier/connection.js";
import { appendStatus, okStatus } from "../../dialects/grpc/status.js";
import type { DeadlineWheel } from "../../engine/call/deadline.js";
import { HeldEnds } from "../../engine/call/held-ends.js";
import { type RequestHead, ServerCall, type ServerCallHost } from "../../engine/call/server-call.js";
import { responseHeadFields } from "../../engine/call/server-response.js";
import { pseudoStatus } from "../../protocol/headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { peerError } from "../../protocol/peer-error.js";
import type { AsyncContext } from "../../runtime/async-context.js";
import { type HttpRefusal, requestHead } from "../routing/request-head.js";
import type { RouteTable } from "../routing/route-table.js";
import type { CallList } from "./call-list.js";

/** The server, as a connection sees it. */
export interface ServerConnectionOwner {
  readonly routes: RouteTable;
  /** See {@link ServerCallHost.asyncContext}. */
  readonly asyncContext: AsyncContext;
  /** Value of `grpc-accept-encoding`; empty for none. */
  readonly acceptEncoding: string;
  /** Calls that run. */
  readonly calls: CallList;
  /** The deadlines by the server's clock. */
  readonly deadlines: DeadlineWheel;
  /** See {@link ServerCallHost.maxHeldBytes}. */
  readonly maxHeldBytes: number;
  callEnded(call: ServerCall, running: boolean): void;
  settledLate(call: ServerCall, error: unknown): void;
  metadataLeftOut(call: ServerCall, reason: ConnectError): void;
  unexpected(call: ServerCall, error: unknown): ConnectError;
  /** A limit of the connection was passed that does not end it; `message` names the option. */
  limited(connection: ServerConnection, message: string): void;
  connectionClosed(connection: ServerConnection, error: Error | undefined): void;
}

const encoder = new TextEncoder();

/** The server's half of one connection: makes a call of each stream. */
export class ServerConnection implements ConnectionEvents, ServerCallHost {
  readonly connection: Connection;
  readonly peer: Peer;
  readonly deadlines: DeadlineWheel;
  readonly maxHeldBytes: number;
  readonly heldEnds: HeldEnds;
  readonly asyncContext: AsyncContext;
  readonly responseHead: Readonly<Record<MessageFormat, HeaderBlock>>;
  readonly okTrailers: HeaderBlock;
  private readonly owner: ServerConnectionOwner;

  constructor(connection: Connection, owner: ServerConnectionOwner) {
    this.connection = connection;
    this.peer = connection.peer;
    this.asyncContext = owner.asyncContext;
    this.owner = owner;
    this.deadlines = owner.deadlines;
    this.maxHeldBytes = owner.maxHeldBytes;
    this.heldEnds = new HeldEnds(connection, owner.deadlines);
    this.responseHead = {
      proto: connection.prepare(responseHeadFields("proto", owner.acceptEncoding)),
      json: connection.prepare(responseHeadFields("json", owner.acceptEncoding)),
    };
    this.okTrailers = connection.prepare(okStatus);
  }

  /** @inheritdoc */
  stream(stream: ByteStream, list: HeaderList, end: boolean): void {
    const head = requestHead(list, this.owner.routes);
    if ("httpStatus" in head) {
      if (end) refuseHttp(stream, head);
      else stream.sink = new RefusalSink(stream, head);
      return;
    }
    if (head.method === null) {
      this.refuse(stream, head, head.refusal);
      return;
    }
    // Asked again when the handler is to run: requests of many calls may come before the first answer.
    const refusal = this.refuseCall();
    if (refusal !== null) {
      this.refuse(stream, head, refusal);
      return;
    }
    const call = new ServerCall(this, stream, list, head, head.method);
    this.owner.calls.add(call);
    call.start(end);
  }

  /** @inheritdoc */
  limited(message: string): void {
    this.owner.limited(this, message);
  }

  /** @inheritdoc */
  closed(error?: Error): void {
    this.heldEnds.clear();
    this.owner.connectionClosed(this, error);
  }

  /** @inheritdoc */
  refuseCall(): ConnectError | null {
    const refusal = this.connection.refuseCall?.();
    return typeof refusal === "string" ? peerError(refusal, Code.ResourceExhausted) : null;
  }

  /** @inheritdoc */
  callEnded(call: ServerCall, running: boolean): void {
    this.owner.callEnded(call, running);
  }

  /** @inheritdoc */
  settledLate(call: ServerCall, error: unknown): void {
    this.owner.settledLate(call, error);
  }

  /** @inheritdoc */
  metadataLeftOut(call: ServerCall, reason: ConnectError): void {
    this.owner.metadataLeftOut(call, reason);
  }

  /** @inheritdoc */
  unexpected(call: ServerCall, error: unknown): ConnectError {
    return this.owner.unexpected(call, error);
  }

  private refuse(stream: ByteStream, head: RequestHead, refusal: ConnectError | null): void {
    const fields = [...this.responseHead[head.format].fields];
    if (refusal !== null) appendStatus(fields, refusal);
    stream.sendHeaders(fields, true);
    stream.close();
  }
}

/** Body of a request that is refused which is read before the answer; HTTP clients expect one behind their request. */
const drainedUpTo = 1_048_576;

/** Reads and drops the body of a request that is not gRPC, then says so. */
class RefusalSink implements StreamSink {
  private readonly stream: ByteStream;
  private readonly refusal: HttpRefusal;
  private dropped = 0;

  constructor(stream: ByteStream, refusal: HttpRefusal) {
    this.stream = stream;
    this.refusal = refusal;
  }

  data(_b: Uint8Array, start: number, end: number): void {
    this.stream.credit(end - start);
    this.dropped += end - start;
    if (this.dropped > drainedUpTo) this.end();
  }

  trailers(): void {
    this.end();
  }

  end(): void {
    refuseHttp(this.stream, this.refusal);
  }

  headers(): void {}

  reset(): void {}

  writable(): void {}
}

function refuseHttp(stream: ByteStream, refusal: HttpRefusal): void {
  const body = encoder.encode(`${refusal.text}\n`);
  const extra = refusal.httpStatus === 405 ? ["allow", "POST"] : [];
  stream.sendHeaders(
    [
      pseudoStatus,
      String(refusal.httpStatus),
      "content-type",
      "text/plain; charset=utf-8",
      "content-length",
      String(body.length),
      ...extra,
    ],
    false,
  );
  stream.write(body, true);
  stream.close();
}
