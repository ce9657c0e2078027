// SPDX-License-Identifier: Apache-2.0
import type { Draft, Plan, Received } from "./messages.js";
import type { Served } from "./served.js";

/** An RPC library under measurement: how to serve the bench's service with it and how to call it. */
export interface Peer {
  /** Serves on a free port of 127.0.0.1. */
  startServer(served: Served): Promise<PeerServer>;
  /** Returns a client of the server on `port` of 127.0.0.1, over one connection. */
  connect(port: number): Promise<PeerClient>;
}

/** A running server. */
export interface PeerServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * The four kinds of call. Messages to send come from an iterable and arriving ones go to a function, so that a library
 * with events needs no iterator and one with async iterables needs no event.
 */
export interface PeerClient {
  unary(message: Draft): Promise<Received>;
  /** Settles when the stream has ended with status OK. */
  serverStream(plan: Plan, receive: (message: Received) => void): Promise<void>;
  clientStream(messages: Iterable<Draft>): Promise<Received>;
  /** Sends as fast as there is room and receives at the same time. Settles when the stream has ended with status OK. */
  bidi(messages: Iterable<Draft>, receive: (message: Received) => void): Promise<void>;
  /** Opens a bidi stream that is driven by hand. */
  pingPong(): PingPong;
  close(): Promise<void>;
}

/** A bidi stream with at most one message under way. */
export interface PingPong {
  /** Sends a message and settles with the next one that arrives. */
  exchange(message: Draft): Promise<Received>;
  /** Half-closes the stream and settles with the one message that is left, when the stream has ended with status OK. */
  end(): Promise<Received>;
}
