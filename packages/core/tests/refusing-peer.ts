// SPDX-License-Identifier: Apache-2.0
import { AsyncResource } from "node:async_hooks";
import {
  type Clock,
  type ConnectionProvider,
  createServer,
  createTransport,
  type ServerOptions,
  systemClock,
} from "@tristream/core";
import { Connection } from "@tristream/http2";
import { memoryPair } from "@tristream/testing";
import { goAway, rst, settings } from "../../http2/tests/frames.js";
import { type Happening, happening, turns, until } from "./events.js";
import { quiet } from "./every-link.js";

/** How a peer refuses a call that its application has not seen. */
const lost = "the connection's loss before it left";
export const refusals = {
  "GOAWAY below its id": (peer: Peer) => peer.write(goAway(0, 0)),
  REFUSED_STREAM: (peer: Peer) => peer.write(rst(1, 7)),
  [lost]: (peer: Peer) => peer.cut(),
};
export type Refusal = keyof typeof refusals;

interface Peer {
  write(bytes: Uint8Array): void;
  cut(): void;
}

/** A transport whose first connections refuse their call when a test says so, and whose last one serves. */
export interface Refusing extends AsyncDisposable {
  readonly transport: ReturnType<typeof createTransport>;
  /** The first call of so many connections has arrived, or waits for room there. */
  readonly arrived: readonly Happening<void>[];
  /** The client has been refused by so many connections, and waits for the next one. */
  readonly waits: readonly Happening<void>[];
  /** The connection of that number refuses. */
  refuse(n: number): void;
  /** Gives the client the connection that it waits for. */
  connected(): void;
}

/** Starts one; `times`: how many connections refuse; `clock`: the time of both ends. */
export function startRefusing(
  routes: ServerOptions["routes"],
  refusal: Refusal,
  times = 1,
  clock: Clock = systemClock,
): Refusing {
  const server = createServer({ routes, clock, logger: quiet });
  const arrived = Array.from({ length: times }, () => happening());
  const waits = Array.from({ length: times }, () => happening());
  const peers: Peer[] = [];
  const context = new AsyncResource("RefusingPeer");
  let next: Happening<Connection> | null = null;
  let over = false;
  const open = (): Connection => {
    // As sockets are made: not in the context of the call that needs one.
    const pair = context.runInAsyncScope(memoryPair, undefined);
    const connection = new Connection("client", pair.client);
    const n = peers.length;
    if (n >= times) server.accept(new Connection("server", pair.server));
    else {
      pair.server.start({ receive() {}, drained() {}, closed() {} });
      pair.server.write(refusal === lost ? settings(3, 0) : settings());
      void until(() => over || connection.activeStreams === 1)
        .then(() => turns(2))
        .then(() => arrived[n]!.tell());
    }
    peers.push({ write: (bytes) => pair.server.write(bytes), cut: () => pair.cut() });
    connection.start({});
    return connection;
  };
  /** With the peer's MAX_CONCURRENT_STREAMS of 0 known, the call waits for room, and never leaves. */
  const opened = async (): Promise<Connection> => {
    const connection = open();
    if (refusal === lost && peers.length <= times) await turns(6);
    return connection;
  };
  const provider: ConnectionProvider = {
    pick() {
      if (peers.length === 0) return opened();
      next ??= happening();
      waits[peers.length - 1]!.tell();
      return next.promise;
    },
    async close() {},
  };
  const transport = createTransport(provider, { clock });
  return {
    transport,
    arrived,
    waits,
    refuse: (n) => refusals[refusal](peers[n]!),
    connected() {
      const waiting = next!;
      next = null;
      void opened().then(waiting.tell);
    },
    async [Symbol.asyncDispose]() {
      over = true;
      await transport.close();
      for (const peer of peers) peer.cut();
      await server.shutdown({ graceMs: 0 });
    },
  };
}
