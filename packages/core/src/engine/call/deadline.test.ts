// SPDX-License-Identifier: Apache-2.0
import { type DeadlineEntry, DeadlineWheel } from "./deadline.js";

interface Timed extends DeadlineEntry {
  readonly fired: Promise<number>;
}

function entry(onDeadline: () => void = () => {}): Timed {
  let tell!: (late: number) => void;
  const fired = new Promise<number>((resolve) => {
    tell = resolve;
  });
  return {
    dueAt: 0,
    deadlineNext: null,
    deadlinePrevious: null,
    deadlineSet: false,
    fired,
    onDeadline() {
      onDeadline();
      tell(performance.now() - this.dueAt);
    },
  };
}

describe("the deadline wheel", () => {
  test("is never early, and empty afterwards", async () => {
    const wheel = new DeadlineWheel();
    const entries = [0, 1, 3, 4, 5, 17, 33, 60].map((ms) => {
      const timed = entry();
      wheel.add(timed, ms);
      return timed;
    });
    expect(wheel.size).toBe(8);
    for (const late of await Promise.all(entries.map((e) => e.fired))) expect(late).toBeGreaterThanOrEqual(0);
    expect(wheel.size).toBe(0);
    expect(entries.every((e) => !e.deadlineSet && e.deadlineNext === null)).toBe(true);
  });

  test("takes entries out wherever they are, once", async () => {
    const wheel = new DeadlineWheel();
    const gone: string[] = [];
    const entries = ["a", "b", "c", "d"].map((name) => entry(() => gone.push(name)));
    for (const timed of entries) wheel.add(timed, 8);
    wheel.remove(entries[1]!);
    wheel.remove(entries[3]!);
    wheel.remove(entries[3]!);
    expect(wheel.size).toBe(2);
    await Promise.all([entries[0]!.fired, entries[2]!.fired]);
    expect(gone.sort()).toEqual(["a", "c"]);
    expect(wheel.size).toBe(0);
  });

  test("an entry that is added while others are told comes later", async () => {
    const wheel = new DeadlineWheel();
    const second = entry();
    const first = entry(() => wheel.add(second, 4));
    wheel.add(first, 4);
    await first.fired;
    expect(wheel.size).toBe(1);
    expect(await second.fired).toBeGreaterThanOrEqual(0);
  });

  test("an entry of a later round is not told in this one", async () => {
    const wheel = new DeadlineWheel();
    let told = false;
    // 1024 slots of 4 ms: the same slot as the near one.
    const far = entry(() => {
      told = true;
    });
    const near = entry();
    wheel.add(near, 20);
    wheel.add(far, 20 + 4096);
    await near.fired;
    expect(told).toBe(false);
    expect(wheel.size).toBe(1);
    wheel.remove(far);
    expect(wheel.size).toBe(0);
  });

  test.each([365 * 24 * 3_600_000, Number.POSITIVE_INFINITY])(
    "a deadline of %d ms is no trouble for the timers",
    async (ms) => {
      const warnings: string[] = [];
      const note = (warning: Error): void => void warnings.push(warning.message);
      process.on("warning", note);
      const wheel = new DeadlineWheel();
      const far = entry();
      wheel.add(far, ms);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      process.off("warning", note);
      expect(warnings).toEqual([]);
      expect(wheel.size).toBe(1);
      wheel.remove(far);
      expect(wheel.size).toBe(0);
    },
  );

  test("ten thousand entries are each told once", async () => {
    const wheel = new DeadlineWheel();
    let told = 0;
    const entries = Array.from({ length: 10_000 }, (_, i) => {
      const timed = entry(() => told++);
      wheel.add(timed, i % 97);
      return timed;
    });
    for (let i = 0; i < entries.length; i += 3) wheel.remove(entries[i]!);
    await Promise.all(entries.filter((_, i) => i % 3 !== 0).map((e) => e.fired));
    expect(told).toBe(entries.length - Math.ceil(entries.length / 3));
    expect(wheel.size).toBe(0);
  });

  test("an entry that is added by one that is told puts off nobody", async () => {
    const wheel = new DeadlineWheel();
    const later = entry();
    const first = entry(() => wheel.add(later, 3_600_000));
    const second = entry();
    wheel.add(first, 10);
    wheel.add(second, 40);
    await first.fired;
    expect(await second.fired).toBeLessThan(3_600_000);
    wheel.remove(later);
    expect(wheel.size).toBe(0);
  });

  test("an entry that throws takes nobody else's turn", () => {
    const wheel = new DeadlineWheel();
    const told: number[] = [];
    const entries = [0, 1, 2, 3].map((i) =>
      entry(() => {
        told.push(i);
        if (i === 1 || i === 2) throw new Error(`entry ${i}`);
      }),
    );
    for (const timed of entries) wheel.add(timed, 0);
    const last = Math.max(...entries.map(({ dueAt }) => dueAt));
    while (performance.now() < last + 8) {
      // No timer may come first: the sweep is called by hand, to see what it throws.
    }
    expect(() => (wheel as unknown as { sweep(): void }).sweep()).toThrow(/^entry [12]$/);
    expect(told.sort()).toEqual([0, 1, 2, 3]);
    expect(wheel.size).toBe(0);
  });
});
