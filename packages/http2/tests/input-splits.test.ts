// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { clientPreface, FrameType, frameHeaderLength } from "../src/frame/frame-type.js";
import { type Conversation, conversations, largeConversations } from "./conversations.js";
import { describeFrame, parseFrames } from "./frames.js";
import { Random, seeds } from "./random.js";
import { Replay } from "./replay.js";

/** The events of one end, and every byte that it sent. */
interface Outcome {
  readonly heard: readonly string[];
  readonly sent: Uint8Array;
}

/** A turn reads all that arrives. */
const wideTurns = { maxBytesPerTurn: 2 ** 30, maxStreamsPerTurn: 2 ** 30 };

/** The outcome of a conversation whose input arrives in the given chunks, all within one turn. */
function inOneTurn({ role, calls, options }: Conversation, chunks: Iterable<Uint8Array>): Outcome {
  const replay = new Replay(role, calls, { ...options, ...wideTurns });
  for (const chunk of chunks) replay.receive(chunk);
  replay.quiesce();
  return { heard: replay.log, sent: replay.link.take() };
}

/** Not expect() for each byte of input: that would take most of the time. */
function expectSame(whole: Outcome, outcome: Outcome, at: unknown): void {
  const same = Buffer.compare(whole.sent, outcome.sent) === 0;
  if (same && whole.heard.join("\n") === outcome.heard.join("\n")) return;
  const shown = ({ heard, sent }: Outcome) => ({ at, heard, sent: Buffer.from(sent).toString("hex") });
  expect(shown(outcome)).toEqual(shown(whole));
}

/** The same with a turn for each chunk. DATA may be put into other frames then, and streams be served in another order. */
function inManyTurns({ role, calls, options }: Conversation, chunks: Iterable<Uint8Array>) {
  const replay = new Replay(role, calls, options);
  for (const chunk of chunks) {
    replay.receive(chunk);
    // Not the next turn: RST_STREAM(NO_ERROR) is one turn late on purpose.
    replay.link.endTurn();
  }
  replay.quiesce();
  const sent = new Map<number, string[]>();
  for (const frame of parseFrames(replay.link.take())) {
    const lines = sent.get(frame.id) ?? [];
    sent.set(frame.id, lines);
    const line = describeFrame(frame);
    const before = /^DATA \d+ (\d+)$/.exec(lines.at(-1) ?? "");
    const merged = frame.type === FrameType.DATA && before !== null ? lines.pop() : undefined;
    const length = frame.payload.length + (merged === undefined ? 0 : Number(before?.[1]));
    lines.push(frame.type === FrameType.DATA ? line.replace(/^(DATA \d+) \d+/, `$1 ${length}`) : line);
  }
  return { heard: replay.log, sent: Object.fromEntries(sent) };
}

function* byteByByte(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}

/** Where frames begin. */
function frameStarts({ role, bytes }: Conversation): number[] {
  const starts: number[] = [];
  for (let at = role === "server" ? clientPreface.length : 0; at < bytes.length; ) {
    starts.push(at);
    at += frameHeaderLength + ((bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!);
  }
  return starts;
}

function expectSameForCuts(conversation: Conversation, cuts: Iterable<number>): void {
  const { bytes } = conversation;
  const whole = inOneTurn(conversation, [bytes]);
  for (const at of cuts)
    expectSame(whole, inOneTurn(conversation, [bytes.subarray(0, at), bytes.subarray(at)]), at);
}

const named = (all: readonly Conversation[]) => all.map((c) => [c.role, c.title, c] as const);

describe.each(named(conversations))("a %s that hears %s", (_role, _title, conversation) => {
  const { bytes, ends } = conversation;
  const whole = inOneTurn(conversation, [bytes]);

  it("comes to the end that is meant", () => {
    const end = whole.heard.filter((line) => line.startsWith("closed"));
    expect(end.map((line) => line.split(" ")[1])).toEqual(ends === undefined ? [] : [ends]);
    expect(whole.heard.length).toBeGreaterThan(0);
  });

  it("hears and sends the same wherever the input is cut in two", () => {
    expectSameForCuts(conversation, bytes.keys());
  });

  it("hears and sends the same byte by byte", () => {
    expectSame(whole, inOneTurn(conversation, byteByByte(bytes)), "every byte");
    expect(inManyTurns(conversation, byteByByte(bytes))).toEqual(inManyTurns(conversation, [bytes]));
  });

  it("hears and sends the same for random cuts", () => {
    const once = inManyTurns(conversation, [bytes]);
    for (const seed of seeds(40)) {
      const chunks = new Random(seed).cut(bytes);
      expectSame(whole, inOneTurn(conversation, chunks), { seed });
      expect(inManyTurns(conversation, chunks)).toEqual(once);
    }
  });
});

describe.each(named(largeConversations))("a %s that hears %s", (_role, _title, conversation) => {
  it("hears and sends the same wherever the input is cut near the start or the end of a frame", () => {
    const cuts = frameStarts(conversation).flatMap((start) =>
      [-1, 0, 1, 8, 9, 10].map((i) => start + i).filter((at) => at >= 0),
    );
    expectSameForCuts(conversation, cuts);
  });

  it("hears and sends the same byte by byte, and for random cuts", () => {
    const { bytes } = conversation;
    const whole = inOneTurn(conversation, [bytes]);
    expectSame(whole, inOneTurn(conversation, byteByByte(bytes)), "every byte");
    for (const seed of seeds(6)) expect(inOneTurn(conversation, new Random(seed).cut(bytes))).toEqual(whole);
  });
});

describe("the conversations", () => {
  it("have every type of frame, both ways", () => {
    for (const role of ["server", "client"]) {
      const types = new Set<number>();
      for (const conversation of [...conversations, ...largeConversations].filter((c) => c.role === role))
        for (const start of frameStarts(conversation)) types.add(conversation.bytes[start + 3]!);
      const expected = [0, 1, 3, 4, 6, 7, 8, 9];
      for (const type of expected) expect([role, type, types.has(type)]).toEqual([role, type, true]);
    }
  });
});
