// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/engine/message/message-reader.ts # unread.length === 0 ||
// Mutant: core/src/engine/message/message-reader.ts # unread === null ? owed : unread.uncredited + owed; => owed;
// Mutant: core/src/engine/message/message-reader.ts # if (end - start >= countedWork) this.stream.parses?.(end - start);
// Mutant: core/src/engine/message/message-reader.ts # if (elements > 0 && end - start >= countedWork) this.stream.parses?.(elements * elementWork);
// Mutant: core/src/engine/message/unread-messages.ts # const limit = Math.min(head.end, start + parsedTogether); => const limit = head.end;
// Mutant: core/src/engine/message/unread-messages.ts # if (end > limit || length > uncountedBytes) break; => if (end > limit) break;
// Mutant: core/src/engine/message/unread-messages.ts # let owed = this.uncredited + this.dropParsed(); => let owed = this.uncredited;
import { Code, ConnectError } from "@connectrpc/connect";
import { FakeStream } from "../../../tests/fake-stream.js";
import { writePrefix } from "../../protocol/envelope.js";
import { captureContext } from "../../runtime/async-context.js";
import type { MessageCodec } from "./message-codec.js";
import { MessageReader } from "./message-reader.js";

let elements = 0;

/** Messages are their text; `!` can't be parsed. Each comma is an element. */
const text: MessageCodec<never, string> = {
  serialize: () => new Uint8Array(),
  elements: () => elements,
  parse(b, start, end) {
    const message = Buffer.from(b.subarray(start, end)).toString();
    if (message === "!") throw new RangeError("not this one");
    elements = message.split(",").length - 1;
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
  let parsed = 0;
  const counting: typeof text = {
    ...text,
    parse(...given) {
      parsed++;
      return text.parse(...given);
    },
  };
  const reader = new MessageReader<string>(
    stream,
    counting,
    {
      reads: "requests",
      encodingHeader: "grpc-encoding",
      asyncContext: captureContext(),
      hold: () => null,
      peer: { address: "nowhere", transport: "memory" },
      readFailed: (error) => void told.push(`failed ${error.code} ${error.rawMessage}`),
      readStopped: () => void told.push("stopped"),
      readEnded: () => void told.push("ended"),
    },
    maxBytes,
  );
  return { told, stream, reader, parsed: () => parsed, feed: (b: Uint8Array) => reader.feed(b, 0, b.length) };
}

/**
 * A compression whose decompressed text is upper case: each waits for `next`, unless it is `quick`; `decompressed` settles when
 * what `next` let go, or made fail, has gone its way.
 */
function slowUpper(reader: MessageReader<string>, quick = false) {
  const begun: string[] = [];
  const done: ((error?: Error) => void)[] = [];
  reader.setCompression({
    name: "upper",
    compress: async (b) => new Uint8Array(b),
    async decompress(b) {
      const text = Buffer.from(b).toString();
      begun.push(text);
      if (!quick)
        await new Promise<void>((resolve, reject) =>
          done.push((error) => (error === undefined ? resolve() : reject(error))),
        );
      return Buffer.from(text.toUpperCase());
    },
  });
  return {
    begun,
    next: (error?: Error) => done.shift()!(error),
    // Promises alone lie between: all of them have settled when the turn is over.
    decompressed: () => new Promise((resolve) => setImmediate(resolve)),
  };
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

  test("gives credit when the last message that waits is taken, and then for each that a read waits for", async () => {
    const { reader, stream, feed } = start();
    feed(frame("abc"));
    expect(stream.credited).toBe(0);
    await reader.next();
    expect(stream.credited).toBe(8);
    feed(frame("de"));
    const waiting = [reader.next(), reader.next()];
    feed(frame("f"));
    expect(stream.credited).toBe(8 + 7 + 6);
    expect((await Promise.all(waiting)).map((r) => r.value)).toEqual(["de", "f"]);
  });

  test("gives credit for small messages that wait once they are 4096 bytes", async () => {
    const { reader, stream, feed } = start(2000);
    const message = "m".repeat(1019);
    for (let i = 0; i < 6; i++) feed(frame(message));
    const credited: number[] = [];
    for (let i = 0; i < 6; i++) {
      await reader.next();
      credited.push(stream.credited);
    }
    expect(credited).toEqual([0, 0, 0, 4096, 4096, 6144]);
    feed(frame(message));
    feed(frame("a"));
    await reader.next();
    reader.discard();
    expect(stream.credited).toBe(6144 + 1024 + 6);
  });

  test("a small message that can't be parsed fails at its own read, behind the small messages before it", async () => {
    const { reader, told, stream } = start();
    const bytes = Buffer.concat(["a", "b", "!", "c"].map((message) => frame(message)));
    reader.feed(bytes, 0, bytes.length);
    expect((await reader.next()).value).toBe("a");
    expect(told).toEqual([]);
    expect((await reader.next()).value).toBe("b");
    expect(told).toEqual([]);
    await expect(reader.next()).rejects.toThrow("not this one");
    expect(told).toEqual([`failed ${Code.InvalidArgument} message of 1 bytes can't be parsed: not this one`]);
    expect(stream.credited).toBe(bytes.length);
  });

  test("a read parses at most 512 bytes of small messages ahead, and drops and credits those that no read took", async () => {
    const { reader, stream, parsed } = start();
    const small = Buffer.concat(Array.from({ length: 200 }, () => frame("x".repeat(11))));
    reader.feed(small, 0, small.length);
    expect(parsed()).toBe(0);
    await reader.next();
    expect(parsed()).toBe(1 + 32);
    await reader.next();
    expect(parsed()).toBe(1 + 32);
    expect(reader.waiting).toBe(198);
    await reader.return();
    expect(reader.waiting).toBe(0);
    expect(stream.credited).toBe(small.length);
  });

  test("a message of more than 256 bytes, whose memory is counted, is parsed at its own read", async () => {
    const { reader, parsed } = start();
    const bytes = Buffer.concat([frame("a"), frame("x".repeat(257)), frame("b")]);
    reader.feed(bytes, 0, bytes.length);
    await reader.next();
    expect(parsed()).toBe(1);
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

  test.each([1, 1 << 20])(
    "fails at a message that can't be parsed when it is read, behind those before it, in chunks of %d bytes",
    async (size) => {
      const { reader, told, stream } = start();
      const all = Buffer.concat([frame("good"), frame("!"), frame("after")]);
      for (let at = 0; at < all.length; at += size) reader.feed(all, at, Math.min(at + size, all.length));
      expect(told).toEqual([]);
      expect((await reader.next()).value).toBe("good");
      await expect(reader.next()).rejects.toThrow("message of 1 bytes can't be parsed: not this");
      await expect(reader.next()).rejects.toThrow(ConnectError);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(`failed ${Code.InvalidArgument} message of 1 bytes`);
      expect(stream.credited).toBe(all.length);
    },
  );

  test("fails at a message that can't be parsed when it comes if a read waits, or if it is the only message and small", () => {
    for (const single of [false, true]) {
      const { reader, told, feed } = start();
      reader.single = single;
      if (!single) reader.next().catch(() => {});
      feed(frame("!"));
      expect(told).toHaveLength(1);
    }
  });

  test.each([false, true])("parses no message before it is asked for; the only one: %p", async (single) => {
    const { reader, told, feed, parsed } = start();
    reader.single = single;
    const body = "x".repeat(600);
    feed(frame(body));
    expect([parsed(), reader.waiting]).toEqual([0, 1]);
    if (single) reader.end();
    expect([parsed(), told]).toEqual(single ? [1, ["ended"]] : [0, []]);
    expect(single ? reader.shift() : (await reader.next()).value).toBe(body);
    expect(parsed()).toBe(1);
  });

  test("keeps nothing of the chunk that unread messages came in", async () => {
    const { reader, stream } = start();
    const chunk = Buffer.concat(messages.slice(0, 5).map((message) => frame(message)));
    for (let times = 0; times < 3; times++) {
      const copy = Buffer.from(chunk);
      reader.feed(copy, 0, copy.length - 2);
      copy.fill(0, 0, copy.length - 2);
      reader.feed(copy, copy.length - 2, copy.length);
      copy.fill(0);
    }
    reader.end();
    const got: string[] = [];
    for await (const message of reader) got.push(message);
    expect(got).toEqual([1, 2, 3].flatMap(() => messages.slice(0, 5)));
    expect(stream.credited).toBe(3 * chunk.length);
  });

  test("holds unread messages of two bytes in less than three times their bytes", () => {
    const { reader, feed } = start();
    const before = process.memoryUsage();
    const small = frame("ab");
    const count = 200_000;
    for (let i = 0; i < count; i++) feed(small);
    const after = process.memoryUsage();
    const used = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    expect(reader.waiting).toBe(count);
    // Each as an object took 95.
    expect(used / count).toBeLessThan(3 * small.length);
  });

  test.each([1, 4, 5, 7])("fails when the stream ends after %d bytes of a message", async (n) => {
    const { reader, told } = start();
    reader.feed(frame("abc"), 0, n);
    const waiting = reader.next();
    reader.end();
    await expect(waiting).rejects.toThrow(/the stream ended inside a message/);
    expect(told).toHaveLength(1);
  });

  test("takes an empty message with the compressed flag for an empty message where compression was negotiated", async () => {
    const { reader, feed } = start();
    slowUpper(reader);
    feed(frame("", 1));
    expect(await reader.next()).toEqual({ done: false, value: "" });
    expect(reader.compressed).toBe(true);
  });

  test("fails at an empty message with the compressed flag where no compression was negotiated", () => {
    const { reader, feed, told } = start();
    feed(frame("", 1));
    expect(reader.shift()).toBeUndefined();
    expect(told).toEqual([
      expect.stringMatching(`failed ${Code.Internal} compressed message without grpc-encoding`),
    ]);
  });

  test("fail() lets what had arrived be read, or drops it", async () => {
    const mine = new ConnectError("mine", Code.Aborted);
    for (const discard of [false, true]) {
      const { reader, feed, stream } = start();
      feed(frame("a"));
      reader.fail(mine, discard);
      const first = reader.next().then(
        ({ value }) => value,
        (error: unknown) => error,
      );
      expect(await first).toBe(discard ? mine : "a");
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

  test("decompresses a message when a read waits for it, one at a time, and the end does not wait for that", async () => {
    const { reader, feed, told, stream } = start();
    const { begun, next } = slowUpper(reader);
    feed(frame("a", 1));
    feed(Buffer.concat([frame("b", 1), frame("plain"), frame("", 1), frame("c", 1)]));
    reader.end();
    expect(told).toEqual(["ended"]);
    expect([begun.length, reader.waiting, reader.received, stream.credited]).toEqual([0, 5, 5, 0]);
    expect(reader.shift()).toBeUndefined();
    const reads = [reader.next(), reader.next()];
    expect(begun).toEqual(["a"]);
    next();
    expect((await reads[0])!.value).toBe("A");
    expect([begun.join(), stream.credited]).toEqual(["a,b", 6]);
    next();
    expect((await reads[1])!.value).toBe("B");
    expect(begun).toEqual(["a", "b"]);
    expect([(await reader.next()).value, (await reader.next()).value]).toEqual(["plain", ""]);
    expect([begun.length, reader.waiting, stream.credited]).toEqual([2, 1, 6 + 6]);
    const last = [reader.next(), reader.next()];
    next();
    expect((await Promise.all(last)).map((r) => r.value)).toEqual(["C", undefined]);
    expect(stream.credited).toBe(6 + 6 + 10 + 5 + 6);
    expect(told).toEqual(["ended"]);
  });

  test("decompresses for a read that waits when a message comes, and passes on plain ones at once again", async () => {
    const { reader, feed } = start();
    const { next } = slowUpper(reader);
    const reads = [reader.next(), reader.next(), reader.next()];
    feed(frame("a", 1));
    feed(frame("b"));
    next();
    expect((await reads[0])!.value).toBe("A");
    expect((await reads[1])!.value).toBe("b");
    feed(frame("c"));
    expect((await reads[2])!.value).toBe("c");
    feed(frame("d"));
    expect(reader.shift()).toBe("d");
  });

  test("the end of what is to be one message asks for it", async () => {
    const { reader, feed, told } = start();
    reader.single = true;
    const { begun, next, decompressed } = slowUpper(reader);
    feed(frame("a", 1));
    expect(begun).toEqual([]);
    reader.end();
    expect([begun, told]).toEqual([["a"], []]);
    next();
    await decompressed();
    expect(told).toEqual(["ended"]);
    expect([reader.shift(), reader.waiting]).toEqual(["A", 0]);
  });

  test("what is to be one message and can't be decompressed fails, and does not end too", async () => {
    const { reader, feed, told, stream } = start();
    reader.single = true;
    const { next, decompressed } = slowUpper(reader);
    feed(frame("a", 1));
    reader.end();
    next(new RangeError("bad block"));
    await decompressed();
    expect(told).toEqual([
      `failed ${Code.InvalidArgument} compressed message can't be decompressed: bad block`,
    ]);
    expect([reader.shift(), reader.waiting, stream.credited]).toEqual([undefined, 0, 6]);
  });

  test("keeps nothing of the chunk that a compressed message came in", async () => {
    const { reader, stream } = start();
    slowUpper(reader, true);
    const chunk = Buffer.concat([frame("a", 1), frame("b"), frame("c", 1)]);
    reader.feed(chunk, 0, chunk.length - 1);
    chunk.fill(0, 0, chunk.length - 1);
    reader.feed(chunk, chunk.length - 1, chunk.length);
    reader.end();
    const got: string[] = [];
    for await (const message of reader) got.push(message);
    expect(got).toEqual(["A", "b", "C"]);
    expect(stream.credited).toBe(chunk.length);
  });

  test.each(["discard", "fail", "return"] as const)(
    "%s() while a message is decompressed drops it and those behind it, once",
    async (how) => {
      const ways = [false, true].flatMap((single) =>
        [undefined, new Error("bad")].map((bad) => ({ single, bad })),
      );
      for (const { single, bad } of ways) {
        const { reader, feed, stream, told } = start();
        reader.single = single;
        const { begun, next, decompressed } = slowUpper(reader);
        feed(Buffer.concat([frame("a", 1), frame("b", 1), frame("plain")]));
        const read = reader.next();
        const outcome = read.then(
          (result) => result.done,
          (error) => error,
        );
        if (single) reader.end();
        const mine = new ConnectError("mine", Code.Canceled);
        if (how === "fail") reader.fail(mine, true);
        else reader[how]();
        expect(await outcome).toBe(how === "fail" ? mine : true);
        expect([stream.credited, reader.waiting]).toEqual([22, 0]);
        next(bad);
        await decompressed();
        feed(frame("late", 1));
        expect([begun, stream.credited, reader.waiting]).toEqual([["a"], 22 + 9, 0]);
        expect(reader.shift()).toBeUndefined();
        expect(told).toEqual(how === "return" ? ["stopped"] : []);
      }
    },
  );

  test.each([
    [
      "the stream's end inside a message",
      (feed: (b: Uint8Array) => void) => feed(frame("abc").subarray(0, 6)),
    ],
    ["flag 2", (feed: (b: Uint8Array) => void) => feed(frame("a", 2))],
  ])("%s behind compressed messages is told when it comes, and read behind them", async (_what, bad) => {
    const { reader, feed, told } = start();
    slowUpper(reader, true);
    feed(Buffer.concat([frame("a", 1), frame("b", 1)]));
    const reads = [reader.next(), reader.next(), reader.next()];
    bad(feed);
    reader.end();
    expect(told).toHaveLength(1);
    expect(await Promise.all(reads.slice(0, 2))).toMatchObject([{ value: "A" }, { value: "B" }]);
    await expect(reads[2]).rejects.toThrow(ConnectError);
    await expect(reader.next()).rejects.toThrow(ConnectError);
  });

  test("fail() lets compressed messages be read that had arrived; one that can't be is what reads reject with", async () => {
    const mine = new ConnectError("mine", Code.Aborted);
    for (const bad of [false, true]) {
      const { reader, feed, told, stream } = start();
      slowUpper(reader, true);
      feed(Buffer.concat([frame("a", 1), frame("b", 1), frame(bad ? "!" : "c", 1), frame("d", 1)]));
      const first = reader.next();
      reader.fail(mine, false);
      expect([(await first).value, (await reader.next()).value]).toEqual(["A", "B"]);
      const rest: unknown[] = [];
      for (let i = 0; i < 2; i++)
        rest.push(
          await reader.next().then(
            ({ value }) => value,
            (error: ConnectError) => error.rawMessage,
          ),
        );
      const unread = expect.stringContaining("can't be parsed: not this one");
      expect(rest).toEqual(bad ? [unread, unread] : ["C", "D"]);
      await expect(reader.next()).rejects.toThrow(bad ? "not this one" : "mine");
      expect([stream.credited, reader.waiting]).toEqual([24, 0]);
      expect(told).toEqual([]);
    }
  });

  test("a message that can't be decompressed fails the call after those before it", async () => {
    const { reader, feed, told, stream } = start();
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
    expect([stream.credited, reader.waiting]).toEqual([18, 0]);
  });

  test("thousands of messages that wait are taken in order", () => {
    const { reader, feed } = start();
    for (let i = 0; i < 5000; i++) feed(frame(`${i}`));
    expect(reader.waiting).toBe(5000);
    for (let i = 0; i < 5000; i++) expect(reader.shift()).toBe(`${i}`);
    expect(reader.waiting).toBe(0);
  });

  test("thousands of compressed messages that wait are taken in order", async () => {
    const { reader, feed, stream } = start();
    slowUpper(reader, true);
    for (let i = 0; i < 5000; i++) feed(frame(`${i}`, 1));
    expect(reader.waiting).toBe(5000);
    for (let i = 0; i < 5000; i++) expect((await reader.next()).value).toBe(`${i}`);
    expect([reader.waiting, stream.credited]).toEqual([0, 43_890]);
  });
});

test("the carrier hears of messages of at least 1024 bytes that are parsed, those that can't be among them", () => {
  const { stream, feed, reader } = start(5000);
  const messages = ["x".repeat(1023), "x".repeat(1024), "x".repeat(2000)];
  for (const message of messages) feed(frame(message));
  expect(stream.parsed).toEqual([]);
  for (const _ of messages) void reader.next();
  expect(stream.parsed).toEqual([1024, 2000]);
});

test("the carrier hears of a message's elements, as eight bytes each", () => {
  const { reader, stream, feed } = start(10_000);
  for (const message of [",".repeat(1023), ",".repeat(1024)]) feed(frame(message));
  reader.shift();
  reader.shift();
  expect(stream.parsed).toEqual([1024, 8 * 1024]);
});
