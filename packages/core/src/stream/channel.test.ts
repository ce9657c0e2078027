// SPDX-License-Identifier: Apache-2.0
import { Channel } from "./channel.js";

const full = Symbol("waits");

/** What a promise has settled with after all promise jobs, or that it still waits. */
async function now<T>(promise: Promise<T>): Promise<T | symbol> {
  return Promise.race([promise, new Promise<symbol>((resolve) => setImmediate(() => resolve(full)))]);
}

describe("a channel", () => {
  test("hands items over in order, to readers that wait and to those that come later", async () => {
    const channel = new Channel<number>(4);
    const first = channel.next();
    await channel.send(1);
    await channel.send(2);
    expect(await first).toEqual({ done: false, value: 1 });
    expect(await channel.next()).toEqual({ done: false, value: 2 });
    const waiting = [channel.next(), channel.next()];
    await channel.send(3);
    await channel.send(4);
    expect(await Promise.all(waiting)).toEqual([
      { done: false, value: 3 },
      { done: false, value: 4 },
    ]);
  });

  test("makes senders wait when it is full, until one item was taken for each", async () => {
    const channel = new Channel<number>(2);
    await channel.send(1);
    const second = channel.send(2);
    const third = channel.send(3);
    expect(await now(second)).toBe(full);
    await channel.next();
    expect(await now(second)).toBeUndefined();
    expect(await now(third)).toBe(full);
    await channel.next();
    expect(await now(third)).toBeUndefined();
  });

  test("gives what waits before its end, and then `done` as often as asked", async () => {
    const channel = new Channel<number>(2);
    await channel.send(1);
    channel.end();
    expect(await channel.next()).toEqual({ done: false, value: 1 });
    expect(await channel.next()).toEqual({ done: true, value: undefined });
    expect(await channel.next()).toEqual({ done: true, value: undefined });
    await expect(channel.send(2)).rejects.toThrow("the channel is closed");
  });

  test("its end is heard by readers that wait", async () => {
    const channel = new Channel<number>(2);
    const readers = [channel.next(), channel.next()];
    channel.end();
    expect(await Promise.all(readers)).toEqual(Array(2).fill({ done: true, value: undefined }));
  });

  test("a failure rejects all that waits and all that comes, and drops items", async () => {
    const mine = new Error("mine");
    const reading = new Channel<number>(1);
    const reader = reading.next();
    reading.fail(mine);
    reading.fail(new Error("later"));
    await expect(reader).rejects.toBe(mine);
    const sending = new Channel<number>(1);
    const sender = sending.send(1);
    sending.fail(mine);
    await expect(sender).rejects.toBe(mine);
    await expect(sending.next()).rejects.toBe(mine);
    await expect(sending.send(2)).rejects.toBe(mine);
  });

  test("a reader that leaves rejects senders, and is done", async () => {
    const channel = new Channel<number>(1);
    const sender = channel.send(1);
    for await (const item of channel) {
      expect(item).toBe(1);
      break;
    }
    await sender;
    await expect(channel.send(2)).rejects.toThrow("the reader of the channel has left");
  });

  test("throw() tells senders why", async () => {
    const mine = new Error("mine");
    const channel = new Channel<number>(1);
    const sender = channel.send(1);
    await expect(channel.throw(mine)).rejects.toBe(mine);
    await expect(sender).rejects.toBe(mine);
  });

  test("return() ends readers that wait", async () => {
    const channel = new Channel<number>(1);
    const reader = channel.next();
    await channel.return();
    expect(await now(reader)).toEqual({ done: true, value: undefined });
    expect(await now(channel.next())).toEqual({ done: true, value: undefined });
  });
});
