// SPDX-License-Identifier: Apache-2.0
// Promise 11: what `send()` resolved is read in the order of the calls, or the channel says that it was dropped.
// Mutant: core/src/stream/create-channel.ts # if (this.queue.over) this.forgetSignal(); => this.forgetSignal();
// Mutant: core/src/stream/create-channel.ts # this.refusal !== null || this.queue.size >= this.capacity => this.refusal !== null
// Mutant: core/src/stream/create-channel.ts # if (this.trySend(value)) return settled; => this.queue.push(value); if (true) return settled;
// Mutant: core/src/stream/create-channel.ts # const next = this.waiting.shift(); => const next = this.waiting.takeAll().pop();
// Mutant: core/src/stream/create-channel.ts # this.queue.end(error);
// Mutant: core/src/stream/create-channel.ts # for (const each of this.waiting.takeAll()) each.reject(refusal);
// Mutant: core/src/stream/create-channel.ts # this.reader = "left";
// Mutant: core/src/stream/create-channel.ts # if (this.reader === "open" && !this.queue.over) => if (false)
// Mutant: core/src/stream/create-channel.ts # if (result.done === true && this.reader === "left") throw loopLeft();
// Mutant: core/src/stream/value-queue.ts # if (unread) this.ending = null;
// Mutant: core/src/stream/value-queue.ts # this.onTaken();
import { Code, ConnectError, createChannel } from "@tristream/core";
import { all, errorOf, fired, turns } from "./events.js";

/** Whether a promise has settled after some turns of the event loop. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await turns(3);
  return settled;
}

describe("the sender of a channel", () => {
  test("waits when as many values wait as the capacity, until the reader takes one", async () => {
    const channel = createChannel<number>({ capacity: 2 });
    await channel.send(1);
    await channel.send(2);
    const third = channel.send(3);
    const fourth = channel.send(4);
    expect(channel.size).toBe(2);
    expect(await isSettled(third)).toBe(false);
    expect(await channel.receive()).toBe(1);
    await third;
    expect(await isSettled(fourth)).toBe(false);
    expect(channel.size).toBe(2);
    channel.close();
    expect(await all(channel)).toEqual([2, 3, 4]);
    await fourth;
  });

  test("has room for 16 values by default", () => {
    const channel = createChannel<number>();
    let sent = 0;
    while (sent < 100 && channel.trySend(sent)) sent++;
    expect(sent).toBe(16);
  });

  test("doesn't send by trySend() to a full or a closed channel", async () => {
    const channel = createChannel<number>({ capacity: 1 });
    expect(channel.trySend(1)).toBe(true);
    expect(channel.trySend(2)).toBe(false);
    expect(channel.closed).toBe(false);
    channel.close();
    expect(channel.closed).toBe(true);
    expect(await all(channel)).toEqual([1]);
    expect(channel.trySend(3)).toBe(false);
  });

  test("gives its value at once to a reader that waits", async () => {
    const channel = createChannel<string>({ capacity: 1 });
    const [first, second] = [channel.receive(), channel.receive()];
    expect([channel.trySend("a"), channel.trySend("b"), channel.trySend("c")]).toEqual([true, true, true]);
    expect([await first, await second, channel.size]).toEqual(["a", "b", 1]);
  });

  test("is told of close() by FailedPrecondition", async () => {
    const channel = createChannel<number>();
    channel.close();
    const error = await errorOf(channel.send(1));
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.rawMessage).toBe("the channel is closed: nothing can be sent after close()");
    expect((await fired(channel.closedSignal)) as ConnectError).toBe(error);
  });

  test("is told of a reader that left, with the number of values that were not read", async () => {
    const channel = createChannel<number>({ capacity: 2 });
    const { closedSignal } = channel;
    const sends = [1, 2, 3, 4].map((value) => channel.send(value));
    for await (const value of channel) {
      expect(value).toBe(1);
      break;
    }
    expect((await Promise.allSettled(sends)).map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
    ]);
    const error = await errorOf(sends[3]!);
    expect([error.code, error.rawMessage]).toEqual([
      Code.Canceled,
      "the channel's reader has left: 3 values were not read",
    ]);
    expect(await errorOf(channel.send(5))).toBe(error);
    expect([channel.trySend(6), channel.closed, closedSignal.reason, channel.size]).toEqual([
      false,
      true,
      error,
      0,
    ]);
  });
});

describe("close()", () => {
  test("ends the channel behind the sends that wait", async () => {
    const channel = createChannel<number>({ capacity: 1 });
    const sends = [1, 2, 3].map((value) => channel.send(value));
    channel.close();
    expect(await all(channel)).toEqual([1, 2, 3]);
    await Promise.all(sends);
    expect(await channel.receive()).toBeUndefined();
  });

  test("with an error gives the values first, then the error, as often as asked", async () => {
    const channel = createChannel<number>();
    const failure = new Error("the disk is full");
    await channel.send(1);
    channel.close(failure);
    channel.close();
    const read: number[] = [];
    const loop = (async () => {
      for await (const value of channel) read.push(value);
    })();
    await expect(loop).rejects.toBe(failure);
    expect(read).toEqual([1]);
    await expect(channel.receive()).rejects.toBe(failure);
    await expect(all(channel)).rejects.toBe(failure);
  });

  test("ends the reads that wait", async () => {
    const channel = createChannel<number>();
    const reads = [channel.receive(), channel.receive()];
    channel.close();
    expect(await Promise.all(reads)).toEqual([undefined, undefined]);
  });
});

describe("the reader of a channel", () => {
  test("shares the values between a loop and receive(), in the order of the reads", async () => {
    const channel = createChannel<string>();
    for (const value of ["joined", "a", "b"]) await channel.send(value);
    channel.close();
    expect(await channel.receive()).toBe("joined");
    expect(await all(channel)).toEqual(["a", "b"]);
  });

  test("may be several workers, and each value goes to one of them", async () => {
    const jobs = createChannel<number>({ capacity: 2 });
    const done: number[] = [];
    const work = async (): Promise<void> => {
      for (let job = await jobs.receive(); job !== undefined; job = await jobs.receive()) {
        await turns(1);
        done.push(job);
      }
    };
    const workers = [work(), work(), work()];
    for (let job = 1; job <= 20; job++) await jobs.send(job);
    jobs.close();
    await Promise.all(workers);
    expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test("is the only loop", async () => {
    const channel = createChannel<number>();
    const loop = channel[Symbol.asyncIterator]();
    const again = (): unknown => channel[Symbol.asyncIterator]();
    expect(again).toThrow("a loop over this channel is open: use receive() to share the values");
    await loop.return();
    expect(again).toThrow("the loop over this channel was left");
    expect(await loop.next()).toEqual({ done: true, value: undefined });
    expect((await errorOf(channel.receive())).code).toBe(Code.FailedPrecondition);
  });

  test("ends a read under way when it leaves, and a receive() beside the loop rejects", async () => {
    const channel = createChannel<number>();
    const loop = channel[Symbol.asyncIterator]();
    const [next, received] = [loop.next(), channel.receive()];
    const error = errorOf(received);
    await loop.return();
    expect(await next).toEqual({ done: true, value: undefined });
    expect((await error).rawMessage).toMatch(/^the loop over this channel was left/);
  });

  test("leaves a closed channel too, and a later receive() doesn't take the end for the end of all values", async () => {
    const channel = createChannel<number>();
    await channel.send(1);
    await channel.send(2);
    channel.close(new Error("of the sender"));
    for await (const _ of channel) break;
    expect((await errorOf(channel.receive())).rawMessage).toMatch(/^the loop over this channel was left/);
  });

  test("may leave before it has read anything", async () => {
    const channel = createChannel<number>();
    await channel.send(1);
    await channel[Symbol.asyncIterator]().return();
    expect((await errorOf(channel.send(2))).rawMessage).toBe(
      "the channel's reader has left: 1 value was not read",
    );
  });

  test("throws an error that it is given, and leaves", async () => {
    const channel = createChannel<number>();
    const failure = new Error("no more");
    await expect(channel[Symbol.asyncIterator]().throw(failure)).rejects.toBe(failure);
    expect(channel.closed).toBe(true);
  });
});

describe("the signal of a channel's options", () => {
  test("rejects reads and sends that wait, and drops the values", async () => {
    const controller = new AbortController();
    const empty = createChannel<number>({ signal: controller.signal });
    const full = createChannel<number>({ capacity: 1, signal: controller.signal });
    await full.send(1);
    const [read, send] = [errorOf(empty.receive()), errorOf(full.send(2))];
    const reason = new ConnectError("the call is over", Code.Unavailable);
    controller.abort(reason);
    expect([await read, await send, await errorOf(full.receive())]).toEqual([reason, reason, reason]);
    expect(await errorOf(empty.send(3))).toBe(reason);
    expect(full.closed).toBe(true);
  });

  test("ends a channel that is created after it has fired, with Canceled for a reason that is not a ConnectError", async () => {
    const channel = createChannel<number>({ signal: AbortSignal.abort(new Error("enough")) });
    const error = await errorOf(channel.send(1));
    expect([error.code, error.rawMessage]).toEqual([Code.Canceled, "enough"]);
    await expect(channel.receive()).rejects.toBe(error);
  });

  test("has one listener for many channels, and none when they are closed or left", async () => {
    const { signal } = new AbortController();
    const listeners = { added: 0, removed: 0 };
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners.added++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners.removed++;
      removeEventListener.apply(signal, args);
    };
    const channels = Array.from({ length: 20 }, () => createChannel<number>({ signal }));
    for (const channel of channels.slice(10)) channel.close();
    for (const channel of channels.slice(0, 10)) await channel[Symbol.asyncIterator]().return();
    expect(listeners).toEqual({ added: 1, removed: 1 });
  });
});

test("behind close(), the signal of the options still ends sends that wait, and drops the values", async () => {
  const controller = new AbortController();
  const channel = createChannel<number>({ capacity: 1, signal: controller.signal });
  await channel.send(1);
  const waiting = errorOf(channel.send(2));
  channel.close();
  controller.abort(new ConnectError("enough", Code.Canceled));
  expect((await waiting).rawMessage).toBe("enough");
  expect((await errorOf(channel.receive())).rawMessage).toBe("enough");
});

test("a channel's own signal tells a sender that waits for something else than room", async () => {
  const channel = createChannel<number>();
  const told = fired(channel.closedSignal);
  await channel[Symbol.asyncIterator]().return(undefined);
  expect(await told).toBe(await errorOf(channel.send(1)));
});

describe("createChannel refuses", () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("the capacity %d", (capacity) => {
    expect(() => createChannel({ capacity })).toThrow(`capacity is ${capacity}: pass an integer from 1`);
  });

  test("options that it doesn't know, or of the wrong type", () => {
    expect(() => createChannel({ capcity: 1 } as object)).toThrow('did you mean "capacity"?');
    expect(() => createChannel({ signal: {} as AbortSignal })).toThrow("pass an AbortSignal");
    expect(() => createChannel(8 as never)).toThrow("the options of createChannel are 8: pass an object");
  });
});
