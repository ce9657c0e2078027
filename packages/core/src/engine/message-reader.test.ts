// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { FakeStream } from "../../tests/fake-stream.js";
import { writePrefix } from "../protocol/envelope.js";
import type { MessageCodec } from "./message-codec.js";
import { MessageReader } from "./message-reader.js";

/** Messages are their text; `!` can't be parsed. */
const text: MessageCodec<never, string> = {
  serialize: () => new Uint8Array(),
  parse(b, start, end) {
    const message = Buffer.from(b.subarray(start, end)).toString();
    if (message === "!") throw new RangeError("not this one");
    return message;
  },
};

function frame(message: string, flag = 0): Uint8Array {
  const body = Buffer.from(message);
  const out = new Uint8Array(5 + body.length);
  writePrefix(out, 0, flag, body.length);
  out.set(body, 5);
  return out;
}

function start(maxBytes = 1000) {
  const told: string[] = [];
  const stream = new FakeStream();
  const reader = new MessageReader<string>(
    stream,
    text,
    {
      readFailed: (error) => void told.push(`failed ${error.code} ${error.rawMessage}`),
      readStopped: () => void told.push("stopped"),
      readEnded: () => void told.push("ended"),
    },
    maxBytes,
  );
  return { told, stream, reader, feed: (b: Uint8Array) => reader.feed(b, 0, b.length) };
}

/** Messages of many sizes, empty ones among them. */
const messages = ["", "a", "", "bb", "x".repeat(300), "", "y".repeat(999), "z"];
const wire = Buffer.concat(messages.map((message) => frame(message)));

describe("a message reader", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 64, 301, 1 << 20])(
    "cuts messages out of chunks of %d bytes",
    async (size) => {
      const { reader, told, stream } = start();
      for (let at = 0; at < wire.length; at += size) reader.feed(wire, at, Math.min(at + size, wire.length));
      reader.end();
      expect(told).toEqual(["ended"]);
      const got: string[] = [];
      for await (const message of reader) got.push(message);
      expect(got).toEqual(messages);
      expect(reader.received).toBe(messages.length);
      expect(stream.credited).toBe(wire.length);
    },
  );

  test("cuts them at every place of two chunks", async () => {
    for (let at = 0; at <= wire.length; at++) {
      const { reader } = start();
      reader.feed(wire, 0, at);
      reader.feed(wire, at, wire.length);
      const got = messages.map(() => reader.shift());
      expect(got).toEqual(messages);
    }
  });

  test("gives credit when a message is taken, not before", async () => {
    const { reader, stream, feed } = start();
    feed(frame("abc"));
    feed(frame("de"));
    expect(stream.credited).toBe(0);
    await reader.next();
    expect(stream.credited).toBe(8);
    const waiting = [reader.next(), reader.next()];
    feed(frame("f"));
    expect(stream.credited).toBe(8 + 7 + 6);
    expect((await Promise.all(waiting)).map((r) => r.value)).toEqual(["de", "f"]);
  });

  test("says how many bytes a long message still needs, and allocates as they come", () => {
    const { reader, stream, feed } = start(1 << 30);
    const prefix = new Uint8Array(5);
    writePrefix(prefix, 0, 0, 1 << 30);
    const before = process.memoryUsage().arrayBuffers;
    feed(prefix);
    feed(Uint8Array.of(1, 2, 3));
    expect(stream.expected).toBe(1 << 30);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    reader.discard();
    expect(stream.credited).toBe(8);
  });

  test.each([
    [
      "a large message",
      frame("x".repeat(1001)),
      `failed ${Code.ResourceExhausted} message of 1001 bytes is larger`,
    ],
    ["flag 2", frame("a", 2), `failed ${Code.Internal} message with flag 2`],
    [
      "the compressed flag",
      frame("a", 1),
      `failed ${Code.Internal} compressed message without grpc-encoding`,
    ],
    [
      "what can't be parsed",
      frame("!"),
      `failed ${Code.InvalidArgument} message of 1 bytes can't be parsed: not this`,
    ],
  ])(
    "fails at %s, in one chunk or in bytes; what came before can be read, what follows is dropped",
    async (_what, bad, said) => {
      for (const size of [1, 1 << 20]) {
        const { reader, told, stream } = start();
        const all = Buffer.concat([frame("good"), bad, frame("after")]);
        for (let at = 0; at < all.length; at += size) reader.feed(all, at, Math.min(at + size, all.length));
        reader.end();
        expect(told).toHaveLength(1);
        expect(told[0]).toContain(said);
        expect((await reader.next()).value).toBe("good");
        await expect(reader.next()).rejects.toThrow(ConnectError);
        await expect(reader.next()).rejects.toThrow(ConnectError);
        expect(stream.credited).toBe(all.length);
      }
    },
  );

  test.each([1, 4, 5, 7])("fails when the stream ends after %d bytes of a message", async (n) => {
    const { reader, told } = start();
    reader.feed(frame("abc"), 0, n);
    const waiting = reader.next();
    reader.end();
    await expect(waiting).rejects.toThrow(/the stream ended inside a message/);
    expect(told).toHaveLength(1);
  });

  test("an empty message with the compressed flag is an empty message", () => {
    const { reader, feed } = start();
    feed(frame("", 1));
    expect(reader.shift()).toBe("");
  });

  test("fail() lets what had arrived be read, or drops it", async () => {
    const mine = new ConnectError("mine", Code.Aborted);
    for (const discard of [false, true]) {
      const { reader, feed, stream } = start();
      feed(frame("a"));
      reader.fail(mine, discard);
      if (!discard) expect((await reader.next()).value).toBe("a");
      await expect(reader.next()).rejects.toBe(mine);
      await expect(reader.next()).rejects.toBe(mine);
      expect(stream.credited).toBe(6);
    }
  });

  test("return() stops once, ends waiting reads, and drops what comes", async () => {
    const { reader, feed, told, stream } = start();
    const waiting = [reader.next(), reader.next()];
    await reader.return();
    await reader.return();
    expect(told).toEqual(["stopped"]);
    expect(await Promise.all(waiting)).toEqual(Array(2).fill({ done: true, value: undefined }));
    feed(frame("late"));
    expect(stream.credited).toBe(9);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  test("throw() stops and rejects", async () => {
    const { reader, told } = start();
    await expect(reader.throw(new Error("mine"))).rejects.toThrow("mine");
    expect(told).toEqual(["stopped"]);
  });

  test("inflates in order, though later ones are done first, and ends after them", async () => {
    const { reader, feed, told } = start();
    const done: (() => void)[] = [];
    reader.setCompression({
      name: "upper",
      compress: async (b) => new Uint8Array(b),
      decompress: (b) =>
        new Promise((resolve) =>
          done.push(() => resolve(Buffer.from(Buffer.from(b).toString().toUpperCase()))),
        ),
    });
    feed(frame("a", 1));
    feed(frame("b", 1));
    feed(frame("plain"));
    reader.end();
    expect(told).toEqual([]);
    done[1]!();
    await Promise.resolve();
    done[0]!();
    const got: string[] = [];
    for await (const message of reader) got.push(message);
    expect(got).toEqual(["A", "B", "plain"]);
    expect(told).toEqual(["ended"]);
  });

  test("a message that can't be inflated fails the call after those before it", async () => {
    const { reader, feed, told } = start();
    reader.setCompression({
      name: "odd",
      compress: async (b) => new Uint8Array(b),
      decompress: async (b) => {
        if (b[0] === 0x62) throw new RangeError("bad block");
        return new Uint8Array(b);
      },
    });
    feed(frame("a", 1));
    feed(frame("b", 1));
    feed(frame("c", 1));
    expect((await reader.next()).value).toBe("a");
    await expect(reader.next()).rejects.toThrow("bad block");
    expect(told).toHaveLength(1);
  });

  test("thousands of messages that wait are taken in order", () => {
    const { reader, feed } = start();
    for (let i = 0; i < 5000; i++) feed(frame(`${i}`));
    expect(reader.waiting).toBe(5000);
    for (let i = 0; i < 5000; i++) expect(reader.shift()).toBe(`${i}`);
    expect(reader.waiting).toBe(0);
  });
});
