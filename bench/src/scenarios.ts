// SPDX-License-Identifier: Apache-2.0
import { type Draft, digest, draft, drafts, LARGE, type Received, reply, SMALL, Tally } from "./messages.js";
import type { PeerClient, PingPong } from "./peer.js";

/** Checks, when the clock has stopped, what the run has seen; returns how many messages the client has sent. */
export type Verify = () => number;

/** One thing to measure. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** The counted unit: a call, a message in one direction, or a message there and back. */
  readonly unit: "call" | "message" | "exchange";
  /** Does `count` operations and settles when the last has ended. */
  run(client: PeerClient, count: number): Promise<Verify>;
}

const IN_FLIGHT = 64;

/** Throws when a figure differs from what it must be. */
function equal(what: string, seen: number | string, wanted: number | string): void {
  if (seen !== wanted)
    throw new Error(`${what}: saw ${seen}, wanted ${wanted}: a message was lost, changed or moved`);
}

/** Throws when `seen` is not the reply to `sent`. */
function isReply(seen: Received, sent: Draft): void {
  equal("number of a reply", seen.number, digest(sent));
  equal("payload of a reply", seen.payload, sent.payload);
}

/** Throws when `seen` is not the summary of exactly `sent`. */
function isSummary(seen: Received | undefined, sent: Tally): void {
  if (seen === undefined) throw new Error("the stream ended without its summary");
  equal("messages in the summary", seen.number, sent.count);
  equal("checksum in the summary", seen.payload, String(sent.checksum));
}

/** Reads `count` messages and the summary that follows them. */
class Inbox {
  readonly tally = new Tally();
  summary: Received | undefined;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  /** Takes the next message of the stream. */
  readonly receive = (message: Received): void => {
    if (this.tally.count < this.#count) {
      this.tally.add(message);
      return;
    }
    if (this.summary !== undefined) throw new Error("a message arrived after the summary");
    this.summary = message;
  };

  /** Throws when the messages were not `wanted`. */
  verify(wanted: Tally): void {
    equal("messages received", this.tally.count, wanted.count);
    equal("checksum of the messages received", this.tally.checksum, wanted.checksum);
  }
}

/** Runs `worker` once for each share of `count` and adds up what the workers return. */
async function inParallel(
  count: number,
  worker: (first: number, share: number) => Promise<number>,
): Promise<number> {
  const share = Math.ceil(count / IN_FLIGHT);
  const sent = await Promise.all(Array.from({ length: IN_FLIGHT }, (_, i) => worker(i * share, share)));
  return sent.reduce((sum, n) => sum + n, 0);
}

/** Makes `count` unary calls, one after the other. */
async function callInTurn(client: PeerClient, first: number, count: number): Promise<number> {
  for (let i = first; i < first + count; i++) {
    const message = draft(SMALL, i);
    isReply(await client.unary(message), message);
  }
  return count;
}

/** Exchanges `count` messages on one stream, one after the other. */
async function exchangeInTurn(stream: PingPong, first: number, count: number): Promise<number> {
  const sent = new Tally();
  for (let i = first; i < first + count; i++) {
    const message = draft(SMALL, i);
    sent.add(message);
    isReply(await stream.exchange(message), message);
  }
  isSummary(await stream.end(), sent);
  return count;
}

/** Receives one stream of `count` messages of `bytes` bytes. */
async function receiveStream(client: PeerClient, bytes: number, count: number): Promise<Verify> {
  const inbox = new Inbox(count);
  await client.serverStream({ count, bytes }, inbox.receive);
  return () => {
    const wanted = new Tally().addAll(drafts(bytes, count));
    inbox.verify(wanted);
    isSummary(inbox.summary, wanted);
    return 1;
  };
}

/** All scenarios, in the order of the table. */
export const scenarios: readonly Scenario[] = [
  {
    name: "unary-1",
    title: "unary, one at a time",
    unit: "call",
    async run(client, count) {
      const sent = await callInTurn(client, 0, count);
      return () => sent;
    },
  },
  {
    name: "unary-64",
    title: "unary, 64 in flight",
    unit: "call",
    async run(client, count) {
      const sent = await inParallel(count, (first, share) => callInTurn(client, first, share));
      return () => sent;
    },
  },
  {
    name: "server-stream-16",
    title: "server stream, 16 B",
    unit: "message",
    run: (client, count) => receiveStream(client, SMALL, count),
  },
  {
    name: "server-stream-64k",
    title: "server stream, 64 KiB",
    unit: "message",
    run: (client, count) => receiveStream(client, LARGE, count),
  },
  {
    name: "client-stream-16",
    title: "client stream, 16 B",
    unit: "message",
    async run(client, count) {
      const answer = await client.clientStream(drafts(SMALL, count));
      return () => {
        isSummary(answer, new Tally().addAll(drafts(SMALL, count)));
        return count;
      };
    },
  },
  {
    name: "bidi-16",
    title: "bidi echo, pipelined, 16 B",
    unit: "exchange",
    async run(client, count) {
      const inbox = new Inbox(count);
      await client.bidi(drafts(SMALL, count), inbox.receive);
      return () => {
        const sent = new Tally();
        const wanted = new Tally();
        for (const message of drafts(SMALL, count)) {
          sent.add(message);
          wanted.add(reply(message));
        }
        inbox.verify(wanted);
        isSummary(inbox.summary, sent);
        return count;
      };
    },
  },
  {
    name: "ping-pong-1",
    title: "ping-pong on 1 stream, 16 B",
    unit: "exchange",
    async run(client, count) {
      const sent = await exchangeInTurn(client.pingPong(), 0, count);
      return () => sent;
    },
  },
  {
    name: "ping-pong-64",
    title: "ping-pong on 64 streams, 16 B",
    unit: "exchange",
    async run(client, count) {
      const sent = await inParallel(count, (first, share) => exchangeInTurn(client.pingPong(), first, share));
      return () => sent;
    },
  },
];
