// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import { FakeStream } from "../../../tests/fake-stream.js";
import { captureContext } from "../../runtime/async-context.js";
import { openIterator } from "../../runtime/iterator.js";
import type { MessageCodec } from "./message-codec.js";
import { MessageWriter, type WriteCompression } from "./message-writer.js";

const text: MessageCodec<string, unknown> = {
  serialize(message) {
    if (message === "!") throw new RangeError("not this one");
    return Buffer.from(message);
  },
  parse: () => undefined,
  elements: () => 0,
};

const direct: MessageCodec<string, unknown> = {
  ...text,
  direct: {
    bound: (message) => message.length * 3,
    write(message, b, at) {
      const bytes = Buffer.from(message);
      b.set(bytes, at);
      return at + bytes.length;
    },
  },
};

function start(codec = text, compression: WriteCompression | null = null) {
  const told: unknown[] = [];
  const stream = new FakeStream();
  const writer = new MessageWriter<string>(
    stream,
    codec,
    {
      asyncContext: captureContext(),
      peer: { address: "nowhere", transport: "memory" },
      sendBody: () => true,
      beforeFirstMessage: () => void told.push("first"),
      sourceEnded: () => void told.push("ended"),
      sourceFailed: (error) => void told.push(error),
      sourceSettled: (error) => void told.push(error === undefined ? "settled" : ["settled", error]),
    },
    1000,
    compression,
  );
  return { told, stream, writer };
}

/** The messages in what was written, with their flags if they have one. */
function messagesOf(written: number[]): string[] {
  const b = Buffer.from(written);
  const out: string[] = [];
  for (let at = 0; at < b.length; ) {
    const length = b.readUInt32BE(at + 1);
    out.push(`${b[at] === 0 ? "" : `${b[at]}:`}${b.toString("utf8", at + 5, at + 5 + length)}`);
    at += 5 + length;
  }
  return out;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a message writer", () => {
  test("whose call ends while its message is read sends nothing of it, and gives the place back", () => {
    const ending = (part: "bound" | "write" | "serialize", places: boolean) => {
      const at = start({
        serialize(message) {
          if (part === "serialize") at.writer.stop();
          return direct.serialize(message);
        },
        parse: () => undefined,
        elements: () => 0,
        direct: {
          bound(message) {
            if (part === "bound") at.writer.stop();
            return direct.direct!.bound(message);
          },
          write(message, b, place) {
            if (part === "write") at.writer.stop();
            return direct.direct!.write(message, b, place);
          },
        },
      });
      at.stream.places = places;
      at.writer.write("a", false);
      return at.stream;
    };
    for (const part of ["bound", "write"] as const) {
      const stream = ending(part, true);
      expect([stream.written, stream.unreserved]).toEqual([[], 1]);
    }
    for (const part of ["bound", "serialize"] as const) expect(ending(part, false).written).toEqual([]);
  });

  test("gives a place back that its codec can't write to, and sends what is serialised", () => {
    const { stream, writer } = start({ ...text, direct: { bound: () => 10, write: () => -1 } });
    writer.write("a", false);
    expect([messagesOf(stream.written), stream.unreserved]).toEqual([["a"], 1]);
  });

  test.each([
    ["serialised", text, true],
    ["serialised, without a place in the buffer", text, false],
    ["written in place", direct, true],
    ["written in place, without a place", direct, false],
  ])("frames messages that are %s", (_how, codec, places) => {
    const { writer, stream, told } = start(codec);
    stream.places = places;
    const messages = ["", "a", "ä", "x".repeat(47), "y".repeat(48), "z".repeat(49), "w".repeat(300)];
    for (const message of messages) expect(writer.write(message, false)).toBe(true);
    expect(messagesOf(stream.written)).toEqual(messages);
    expect(told).toEqual(["first"]);
    expect(writer.sent).toBe(messages.length);
  });

  test("refuses what is too large by its limit and option", () => {
    for (const codec of [text, direct]) {
      const { writer, stream } = start(codec);
      expect(() => writer.write("x".repeat(1001), false)).toThrow(
        "message of 1001 bytes is larger than the limit of 1000: raise writeMaxBytes where it is sent",
      );
      expect(stream.written).toEqual([]);
      writer.write("x".repeat(1000), false);
      expect(stream.written).toHaveLength(1005);
    }
  });

  test("pumps any iterable to its end", async () => {
    const given = async function* () {
      yield "a";
      yield "b";
    };
    for (const source of [["a", "b"], new Set(["a", "b"]), given()]) {
      const { writer, stream, told } = start();
      writer.pump(source);
      await turn();
      expect(messagesOf(stream.written)).toEqual(["a", "b"]);
      expect(told).toEqual(["first", "ended"]);
    }
  });

  test("asks for the next message only when there is room", async () => {
    const { writer, stream, told } = start();
    let asked = 0;
    const source = function* () {
      while (asked < 4) {
        asked++;
        yield "m";
      }
    };
    stream.roomy = false;
    writer.pump(source());
    expect(asked).toBe(1);
    await turn();
    expect(asked).toBe(1);
    writer.writable();
    expect(asked).toBe(2);
    stream.roomy = true;
    writer.writable();
    expect(asked).toBe(4);
    expect(told).toEqual(["first", "ended"]);
    writer.writable();
    expect(messagesOf(stream.written)).toHaveLength(4);
  });

  test("a stop returns the source once, also while it waits for room, and writes no more", async () => {
    const { writer, stream, told } = start();
    let cleaned = 0;
    const source = async function* () {
      try {
        for (;;) yield "m";
      } finally {
        cleaned++;
      }
    };
    stream.roomy = false;
    writer.pump(source());
    await turn();
    writer.stop();
    writer.stop();
    writer.writable();
    await turn();
    expect(cleaned).toBe(1);
    expect(messagesOf(stream.written)).toEqual(["m"]);
    expect(told).toEqual(["first", "settled"]);
    // A message written now is lost: never `true`.
    expect(writer.write("late", false)).toBe(false);
    expect(await writer.room()).toBe(false);
    expect(messagesOf(stream.written)).toEqual(["m"]);
  });

  test("a source whose return() fails, or never settles, is no trouble", async () => {
    const mine = new Error("mine");
    const answers: [() => Promise<never>, unknown[]][] = [
      [() => Promise.reject(mine), [["settled", mine]]],
      [() => new Promise(() => {}), []],
    ];
    for (const [answer, expected] of answers) {
      const { writer, told } = start();
      writer.pump({
        [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: answer }),
      });
      writer.stop();
      await turn();
      expect(told).toEqual(expected);
    }
  });

  test("a source without return() has settled when it has answered, or at once when it isn't asked", async () => {
    let answer = (_result: IteratorResult<string>): void => {};
    const next = () =>
      new Promise<IteratorResult<string>>((resolve) => {
        answer = resolve;
      });
    const asked = start();
    asked.writer.pump({ [Symbol.asyncIterator]: () => ({ next }) });
    asked.writer.stop();
    await turn();
    expect(asked.told).toEqual([]);
    answer({ done: false, value: "late" });
    await turn();
    expect(asked.told).toEqual(["settled"]);

    const blocked = start();
    blocked.stream.roomy = false;
    blocked.writer.pump({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: "m" }) }) });
    blocked.writer.stop();
    expect(blocked.told).toEqual(["first", "settled"]);
  });

  test("a source that throws after the stop has settled with that", async () => {
    const mine = new Error("mine");
    let fail = (_error: unknown): void => {};
    const { writer, told } = start();
    writer.pump(
      (async function* () {
        yield await new Promise<string>((_, reject) => {
          fail = reject;
        });
      })(),
    );
    await turn();
    writer.stop();
    fail(mine);
    await turn();
    expect(told[0]).toEqual(["settled", mine]);
  });

  test("a source that throws, at any point, is the owner's to hear", async () => {
    const mine = new Error("mine");
    const fail = (): never => {
      throw mine;
    };
    const sources: (AsyncIterable<string> | Iterable<string>)[] = [
      { [Symbol.iterator]: fail },
      { [Symbol.iterator]: () => ({ next: fail }) },
      { [Symbol.asyncIterator]: () => ({ next: fail }) },
      { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(mine) }) },
    ];
    for (const source of sources) {
      const { writer, told } = start();
      writer.pump(source);
      await turn();
      expect(told).toEqual(["settled", mine]);
    }
  });

  test("a message that can't be serialised returns the source", async () => {
    const { writer, told } = start();
    let returned = false;
    const source = function* () {
      try {
        yield "a";
        yield "!";
      } finally {
        returned = true;
      }
    };
    writer.pump(source());
    expect(returned).toBe(true);
    expect(told).toHaveLength(3);
    expect(told[2]).toBe("settled");
    expect(String(told[1])).toContain("message can't be serialised: not this one");
    expect(told[1]).not.toBeInstanceOf(ConnectError);
  });

  test.each([
    [undefined, "undefined is not iterable"],
    [null, "null is not iterable"],
    [{}, "an object of class Object is not iterable"],
    [Object.create(null), "an object of class null is not iterable"],
    [7, "a number is not iterable"],
    [() => [], "a function is not iterable"],
  ])("%p is refused by what it is", (given, said) => {
    expect(() => openIterator(given as never)).toThrow(said);
  });

  test("compresses what is worth it, in order, and half-closes behind it", async () => {
    const done: (() => void)[] = [];
    const compression: WriteCompression = {
      minBytes: 3,
      compression: {
        name: "upper",
        decompress: async (b) => new Uint8Array(b),
        compress: (b) =>
          new Promise((resolve) =>
            done.push(() => resolve(Buffer.from(Buffer.from(b).toString().toUpperCase()))),
          ),
      },
    };
    const { writer, stream, told } = start(text, compression);
    expect(writer.write("ab", false)).toBe(true);
    expect(writer.write("abc", false)).toBe(false);
    writer.write("defg", false);
    writer.write("h", false);
    writer.end(() => void told.push("end"));
    done[1]!();
    await turn();
    expect(messagesOf(stream.written)).toEqual(["ab"]);
    done[0]!();
    await turn();
    expect(messagesOf(stream.written)).toEqual(["ab", "1:ABC", "1:DEFG", "h"]);
    expect(told).toEqual(["first", "end"]);
  });

  test("a compression that fails is the owner's to hear", async () => {
    const { writer, told } = start(text, {
      minBytes: 0,
      compression: {
        name: "broken",
        decompress: async (b) => new Uint8Array(b),
        compress: async () => {
          throw new ConnectError("no memory", Code.ResourceExhausted);
        },
      },
    });
    writer.pump(["a"]);
    await turn();
    expect(told).toHaveLength(3);
    expect(told[1]).toMatchObject({ code: Code.ResourceExhausted });
    expect(told[2]).toBe("settled");
  });
});
