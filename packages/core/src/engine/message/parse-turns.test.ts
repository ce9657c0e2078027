// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/engine/message/parse-turns.ts # if (this.bytesLeft > 0) { => if (true) {
// Mutant: core/src/engine/message/parse-turns.ts # while (this.bytesLeft > 0) { => while (true) {
// Mutant: core/src/engine/message/parse-turns.ts # this.bytesLeft -= next.bytes;
import { ParseTurns } from "./parse-turns.js";

const [half, whole, large] = [131_072, 262_144, 4_194_304];

/** Messages that enter, and turns of the event loop that a test lets come. */
function start() {
  const asked: (() => void)[] = [];
  const turns = new ParseTurns((callback) => void asked.push(callback));
  const parsed: number[] = [];
  let entered = 0;
  return {
    parsed,
    enter(bytes: number): void {
      const n = ++entered;
      const turn = turns.enter(bytes);
      if (turn === null) parsed.push(n);
      else void turn.then(() => parsed.push(n));
    },
    /** True if a turn was asked for. */
    async turn(): Promise<boolean> {
      const callbacks = asked.splice(0);
      for (const callback of callbacks) callback();
      for (let i = 0; i < 3; i++) await Promise.resolve();
      return callbacks.length > 0;
    },
  };
}

describe("a turn of the event loop", () => {
  test("parses one large decompressed message, and the next turns the others in order", async () => {
    const { parsed, enter, turn } = start();
    for (let i = 0; i < 3; i++) enter(large);
    expect(parsed).toEqual([1]);
    await turn();
    expect(parsed).toEqual([1, 2]);
    enter(1);
    await turn();
    await turn();
    expect(parsed).toEqual([1, 2, 3, 4]);
    expect(await turn()).toBe(false);
  });

  test("parses 256 KiB of small decompressed messages", async () => {
    const { parsed, enter, turn } = start();
    for (let i = 0; i < 5; i++) enter(half);
    expect(parsed).toEqual([1, 2]);
    await turn();
    expect(parsed).toEqual([1, 2, 3, 4]);
    await turn();
    expect(parsed).toEqual([1, 2, 3, 4, 5]);
  });

  test("is asked for only when its share is spent", async () => {
    const { enter, turn } = start();
    enter(whole - 1);
    expect(await turn()).toBe(false);
    enter(1);
    expect(await turn()).toBe(true);
    expect(await turn()).toBe(false);
  });
});
