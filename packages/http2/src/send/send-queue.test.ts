// SPDX-License-Identifier: Apache-2.0
// Mutant: http2/src/send/send-queue.ts # this.chunks[this.head] = chunk.slice(this.offset); => this.chunks[this.head] = chunk.subarray(this.offset);
import { describe, expect, it } from "@jest/globals";
import { Random, seeds } from "../../tests/random.js";
import { SendQueue } from "./send-queue.js";

describe("SendQueue", () => {
  it.each(seeds(8))("gives back what was pushed, in order, seed %i", (seed) => {
    const random = new Random(seed);
    const queue = new SendQueue();
    let pushed = 0;
    let taken = 0;
    for (let step = 0; step < 250; step++) {
      if (random.oneIn(2)) {
        const n = random.int(0, random.pick([1, 40, 1024, 8192, 8193, 70_000]));
        const bytes = Uint8Array.from({ length: n }, (_, i) => ((pushed + i) * 31) & 255);
        queue.push(bytes);
        // Small pieces are copied, so the caller may use its buffer again.
        if (n <= 8192) bytes.fill(0);
        pushed += n;
      } else {
        const n = random.int(0, Math.min(queue.length, random.pick([1, 1000, 100_000])));
        const out = new Uint8Array(n + 3);
        queue.take(n, out, 3);
        for (let i = 0; i < n; i++)
          if (out[3 + i] !== (((taken + i) * 31) & 255)) throw new Error(`byte ${taken + i}`);
        taken += n;
      }
      expect(queue.length).toBe(pushed - taken);
    }
  });

  it("refers to a large piece instead of copying it", () => {
    const queue = new SendQueue();
    const large = new Uint8Array(8193);
    queue.push(large);
    large[0] = 7;
    const out = new Uint8Array(1);
    queue.take(1, out, 0);
    expect(out[0]).toBe(7);
  });

  it("lets go of a large piece that has mostly left, and keeps the rest of its bytes", () => {
    const queue = new SendQueue();
    const large = Uint8Array.from({ length: 100_000 }, (_, i) => i & 255);
    queue.push(large);
    const held = () => (queue as unknown as { chunks: Uint8Array[] }).chunks[0]!.buffer.byteLength;
    queue.take(40_000, new Uint8Array(40_000), 0);
    queue.compact();
    expect(held()).toBe(100_000);
    queue.take(50_000, new Uint8Array(50_000), 0);
    queue.compact();
    expect(held()).toBe(10_000);
    const out = new Uint8Array(10_000);
    queue.take(10_000, out, 0);
    expect(out).toEqual(large.subarray(90_000));
    expect(queue.taken).toBe(100_000);
  });

  it("is empty after it was cleared", () => {
    const queue = new SendQueue();
    queue.push(new Uint8Array(10_000));
    queue.push(Uint8Array.of(1));
    queue.clear();
    expect(queue.length).toBe(0);
    queue.push(Uint8Array.of(2));
    const out = new Uint8Array(1);
    queue.take(1, out, 0);
    expect(out[0]).toBe(2);
  });
});
