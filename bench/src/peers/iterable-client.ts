// SPDX-License-Identifier: Apache-2.0
import { source } from "../handlers.js";
import type { Draft, Plan, Received } from "../messages.js";
import type { PeerClient, PingPong } from "../peer.js";
import { Mailbox } from "./mailbox.js";

/** The calls of a client whose streams are async iterables: connect-es and nice-grpc name them alike. */
export interface IterableClient {
  unary(message: Draft): Promise<Received>;
  serverStream(plan: Plan): AsyncIterable<Received>;
  clientStream(messages: AsyncIterable<Draft>): Promise<Received>;
  bidi(messages: AsyncIterable<Draft>): AsyncIterable<Received>;
}

/** Drives a bidi call by hand, through the two iterables that the library offers. */
function pingPong(client: IterableClient): PingPong {
  const requests = new Mailbox<Draft>();
  const replies = client.bidi(requests)[Symbol.asyncIterator]();
  return {
    async exchange(message) {
      requests.put(message);
      const { value } = await replies.next();
      return value;
    },
    async end() {
      requests.close();
      const last = await replies.next();
      const { done } = await replies.next();
      if (!done) throw new Error("a message arrived after the summary");
      return last.value;
    },
  };
}

/** Makes the bench's client of one that has async iterables. */
export function iterableClient(client: IterableClient, close: () => void): PeerClient {
  return {
    unary: (message) => client.unary(message),
    async serverStream(plan, receive) {
      for await (const message of client.serverStream(plan)) receive(message);
    },
    clientStream: (messages) => client.clientStream(source(messages)),
    async bidi(messages, receive) {
      for await (const message of client.bidi(source(messages))) receive(message);
    },
    pingPong: () => pingPong(client),
    async close() {
      close();
    },
  };
}
