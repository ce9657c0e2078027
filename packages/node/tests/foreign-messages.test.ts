// SPDX-License-Identifier: Apache-2.0
// Messages of every kind of call, between our end and each foreign one.
import { describe, expect, it } from "@jest/globals";
import { all, each, type Handlers, Later, Mailbox } from "./foreign-greet.js";
import { open, pairs } from "./foreign-pairs.js";

const echo: Handlers = {
  async unary(name) {
    return `hello ${name}`;
  },
  async *serverStream(name) {
    const [count = "", ...rest] = name.split(" ");
    for (let i = 0; i < Number(count); i++) yield `${i} ${rest.join(" ")}`;
  },
  async clientStream(names) {
    return (await all(names)).join(",");
  },
  async *bidi(names) {
    for await (const name of names) yield `hello ${name}`;
  },
};

const mebibyte = "x".repeat(2 ** 20);
/** A mebibyte of characters that take two to four bytes each. */
const wide = "äß😀".repeat(2 ** 17);
/** A name whose message takes 65,535 bytes with its prefix: a stream's first window, to the last byte. */
const windowful = 65_535 - 5 - 4;
const manyNames = Array.from({ length: 2000 }, (_, i) => `name ${i}`);

describe.each(pairs)("$title", (pair) => {
  it("exchange one message", async () => {
    await using ends = await open(pair, echo);
    expect(await ends.client.unary("wörld %41 😀")).toBe("hello wörld %41 😀");
    expect(await ends.client.unary("again")).toBe("hello again");
  });

  it("exchange one message for several", async () => {
    await using ends = await open(pair, echo);
    expect(await all(ends.client.serverStream("3 times"))).toEqual(["0 times", "1 times", "2 times"]);
  });

  it("exchange several messages for one", async () => {
    await using ends = await open(pair, echo);
    expect(await ends.client.clientStream(each(["a", "b", "c"]))).toBe("a,b,c");
  });

  it("exchange several messages for several", async () => {
    await using ends = await open(pair, echo);
    expect(await all(ends.client.bidi(each(["a", "b", "c"])))).toEqual(["hello a", "hello b", "hello c"]);
  });

  it("answer each message of a bidi stream before the next one is sent", async () => {
    await using ends = await open(pair, echo);
    const names = new Mailbox<string>("first");
    const seen: string[] = [];
    for await (const greeting of ends.client.bidi(names)) {
      seen.push(greeting);
      if (seen.length === 5) names.end();
      else names.put(`after ${seen.length}`);
    }
    expect(seen).toEqual(["hello first", "hello after 1", "hello after 2", "hello after 3", "hello after 4"]);
  });

  it("exchange streams without a message", async () => {
    await using ends = await open(pair, echo);
    expect(await all(ends.client.serverStream("0"))).toEqual([]);
    expect(await ends.client.clientStream(each([]))).toBe("");
    expect(await all(ends.client.bidi(each([])))).toEqual([]);
  });

  it("exchange empty messages", async () => {
    await using ends = await open(pair, {
      async unary(name) {
        return name;
      },
      async *serverStream(name) {
        yield name;
        yield name;
      },
      async clientStream(names) {
        const got = await all(names);
        return got.every((name) => name === "") && got.length === 3 ? "" : `not empty: ${got}`;
      },
      bidi: (names) => names,
    });
    expect(await ends.client.unary("")).toBe("");
    expect(await all(ends.client.serverStream(""))).toEqual(["", ""]);
    expect(await ends.client.clientStream(each(["", "", ""]))).toBe("");
    expect(await all(ends.client.bidi(each(["", "", ""])))).toEqual(["", "", ""]);
  });

  it("exchange messages of a mebibyte, one for one", async () => {
    await using ends = await open(pair, echo);
    expect((await ends.client.unary(mebibyte)) === `hello ${mebibyte}`).toBe(true);
    expect((await ends.client.unary(wide)) === `hello ${wide}`).toBe(true);
  });

  it("exchange messages of a mebibyte, one for several", async () => {
    await using ends = await open(pair, echo);
    const [first, second, ...more] = await all(ends.client.serverStream(`2 ${mebibyte}`));
    expect([first === `0 ${mebibyte}`, second === `1 ${mebibyte}`, more]).toEqual([true, true, []]);
  });

  it("exchange messages of a mebibyte, several for one", async () => {
    await using ends = await open(pair, echo);
    const joined = await ends.client.clientStream(each([mebibyte, "b", wide]));
    expect(joined === `${mebibyte},b,${wide}`).toBe(true);
  });

  it("exchange messages of a mebibyte, several for several", async () => {
    await using ends = await open(pair, echo);
    const [first, second, ...more] = await all(ends.client.bidi(each([mebibyte, wide])));
    expect([first === `hello ${mebibyte}`, second === `hello ${wide}`, more]).toEqual([true, true, []]);
  });

  it("exchange messages that fill the flow-control window to the last byte", async () => {
    await using ends = await open(pair, { ...echo, unary: async (name) => name });
    for (const length of [windowful - 1, windowful, windowful + 1]) {
      const name = "x".repeat(length);
      expect((await ends.client.unary(name)) === name).toBe(true);
    }
  });

  it("stream 2000 small messages in order", async () => {
    await using ends = await open(pair, echo);
    const down = await all(ends.client.serverStream("2000 m"));
    expect(down).toEqual(manyNames.map((_, i) => `${i} m`));
    expect(await ends.client.clientStream(each(manyNames))).toBe(manyNames.join(","));
    expect(await all(ends.client.bidi(each(manyNames)))).toEqual(manyNames.map((name) => `hello ${name}`));
  });

  it("run two calls at once on one connection", async () => {
    const bothRun = new Later<void>();
    const peers: string[] = [];
    await using ends = await open(pair, {
      async *bidi(names, { peer }) {
        peers.push(peer);
        if (peers.length === 2) bothRun.resolve();
        await bothRun.promise;
        for await (const name of names) yield `hello ${name}`;
      },
    });
    const [a, b] = await Promise.all([
      all(ends.client.bidi(each(["a", "b"]))),
      all(ends.client.bidi(each(["c", "d"]))),
    ]);
    expect(a).toEqual(["hello a", "hello b"]);
    expect(b).toEqual(["hello c", "hello d"]);
    expect(peers[0]).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(peers[1]).toBe(peers[0]);
  });
});
