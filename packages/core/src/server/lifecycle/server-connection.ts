// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import type { ByteStream, HeaderList } from "../../carrier/byte-stream.js";
import type { Connection, ConnectionEvents, Peer } from "../../carrier/connection.js";
import type { Dialect } from "../../dialects/dialect.js";
import { HeldEnds } from "../../engine/call/held-ends.js";
import type { RequestHead } from "../../engine/call/request-head.js";
import { prepareBlocks, type ResponseBlocks } from "../../engine/call/response-blocks.js";
import { ServerCall } from "../../engine/call/server-call.js";
import type { ServerCallHost, ServerCallOwner } from "../../engine/call/server-call-host.js";
import { ServerResponse } from "../../engine/call/server-response.js";
import { peerError } from "../../protocol/peer-error.js";
import { type RequestLookup, type RequestScope, requestHead } from "../routing/request-head.js";
import type { CallList } from "./call-list.js";
import { RefusalSink, refuseHttp } from "./refuse-http.js";

/** The server, as a connection sees it. */
export interface ServerConnectionOwner extends ServerCallOwner, RequestLookup {
  /** The compressions that requests may come with, as a header lists them; empty for none. */
  readonly acceptEncoding: string;
  /** Calls that run. */
  readonly calls: CallList;
  /** A limit of the connection was passed that does not end it; `message` names the option. */
  limited(connection: ServerConnection, message: string): void;
  connectionClosed(connection: ServerConnection, error: Error | undefined): void;
}

/** The server's half of one connection: makes a call of each stream. */
export class ServerConnection implements ConnectionEvents, ServerCallHost, RequestScope {
  readonly connection: Connection;
  readonly peer: Peer;
  readonly owner: ServerConnectionOwner;
  readonly heldEnds: HeldEnds;
  private readonly blocks = new Map<Dialect, ResponseBlocks>();

  constructor(connection: Connection, owner: ServerConnectionOwner) {
    this.connection = connection;
    this.peer = connection.peer;
    this.owner = owner;
    this.heldEnds = new HeldEnds(connection, owner.deadlines);
  }

  /** @inheritdoc */
  blocksOf(dialect: Dialect): ResponseBlocks {
    let blocks = this.blocks.get(dialect);
    if (blocks === undefined) {
      blocks = prepareBlocks(this.connection, dialect, this.owner.acceptEncoding);
      this.blocks.set(dialect, blocks);
    }
    return blocks;
  }

  /** @inheritdoc */
  stream(stream: ByteStream, list: HeaderList, end: boolean): void {
    const head = requestHead(list, this);
    if ("httpStatus" in head) {
      if (end) refuseHttp(stream, head);
      else stream.sink = new RefusalSink(stream, head);
      return;
    }
    // Asked again when the handler is to run: requests of many calls may come before the first answer.
    const refusal = head.refusal ?? this.refuseCall();
    if (refusal !== null) {
      refuse(stream, head, refusal);
      return;
    }
    const call = new ServerCall(this, stream, list, head, head.method!);
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
}

function refuse(stream: ByteStream, head: RequestHead, refusal: ConnectError): void {
  new ServerResponse(stream, head).fail(refusal, null, () => {});
  stream.close();
}
