// SPDX-License-Identifier: Apache-2.0
// Mutant: http2/src/flow/receive-flow.ts # Math.max(leastTrial, left >> 8) => leastTrial
// Mutant: http2/src/flow/receive-flow.ts # Math.max(leastTrial, left >> 8) => left >> 1
// Mutant: http2/src/flow/receive-flow.ts # this.trialRefused = true;
import { describe, expect, it } from "@jest/globals";
import { Random, seeds } from "../../tests/random.js";
import { ReceiveFlow } from "./receive-flow.js";

describe("ReceiveFlow", () => {
  it("announces the rest of its target at the start", () => {
    const flow = new ReceiveFlow(4_194_304, 16_777_216);
    expect(flow.takeDue()).toBe(4_194_304 - 65_535);
    expect(flow.takeDue()).toBe(0);
  });

  it("gives credit on receipt, in steps of a quarter of the window", () => {
    const flow = new ReceiveFlow(65_535, 1_000_000);
    flow.received(16_383);
    expect(flow.takeDue()).toBe(0);
    flow.received(1);
    expect(flow.takeDue()).toBe(16_384);
  });

  it("gives credit whatever is held", () => {
    const flow = new ReceiveFlow(65_535, 65_535);
    for (let i = 0; i < 10; i++) {
      expect(flow.received(65_535)).toBe(true);
      expect(flow.takeDue()).toBe(65_535);
    }
    expect(flow.held).toBe(655_350);
    expect(flow.balanced).toBe(true);
  });

  it("lets windows grow as far as the budget goes", () => {
    const flow = new ReceiveFlow(65_535, 100_000);
    expect([flow.grow(60_000), flow.exhausted]).toEqual([60_000, false]);
    expect([flow.grow(60_000), flow.exhausted]).toEqual([40_000, true]);
    expect(flow.grow(1)).toBe(0);
    flow.shrink(60_000);
    expect(flow.grow(70_000)).toBe(60_000);
    expect(flow.balanced).toBe(true);
  });

  it("admits messages as far as the budget goes, the others in their order", () => {
    const flow = new ReceiveFlow(65_535, 100_000);
    const log: string[] = [];
    const waiter = (name: string, n: number) => ({
      askAgain() {
        const admitted = flow.admit(n, this);
        if (admitted) log.push(name);
        return admitted;
      },
    });
    const large = waiter("large", 90_000);
    const small = waiter("small", 10_000);
    expect(flow.admit(70_000, waiter("first", 70_000))).toBe(true);
    expect(large.askAgain()).toBe(false);
    expect(large.askAgain()).toBe(false);
    expect(small.askAgain()).toBe(true);
    // In its turn: a third one does not pass the one that waits.
    const later = waiter("later", 25_000);
    expect(later.askAgain()).toBe(false);
    flow.messageDone(70_000, 0);
    expect(log).toEqual(["small", "large"]);
    flow.messageDone(10_000, 0);
    expect(log).toEqual(["small", "large"]);
    flow.messageDone(90_000, 0);
    expect(log).toEqual(["small", "large", "later"]);
    expect(flow.balanced).toBe(true);
  });

  it("admits one message however large, and forgets who waits no longer", () => {
    const flow = new ReceiveFlow(65_535, 65_535);
    const never = {
      askAgain(): boolean {
        throw new Error("asked, though it was forgotten");
      },
    };
    expect(flow.admit(10_000_000, never)).toBe(true);
    expect(flow.admit(1, never)).toBe(false);
    flow.forget(never);
    flow.messageDone(10_000_000, 0);
    expect(flow.balanced).toBe(true);
  });

  it("gives a thousand messages that wait credit for a trial", () => {
    const flow = new ReceiveFlow(65_535, 16_777_216);
    const steps = Array.from({ length: 1000 }, () => flow.tryOut(1_000_000));
    expect(steps[0]).toBe(65_536);
    expect(Math.min(...steps)).toBeGreaterThan(1000);
    expect(flow.tryOut(100)).toBe(100);
    expect(flow.balanced).toBe(true);
  });

  it("asks all that wait again when a trial ends, if it had none left", () => {
    const flow = new ReceiveFlow(65_535, 1024);
    const asked: string[] = [];
    const waiter = (name: string) => ({
      askAgain() {
        asked.push(name);
        return flow.admit(1000, this);
      },
    });
    expect(flow.admit(1000, waiter("first"))).toBe(true);
    for (const name of ["second", "third"]) expect(flow.admit(1000, waiter(name))).toBe(false);
    expect([flow.tryOut(9999), flow.tryOut(9999)]).toEqual([512, 512]);
    flow.messageDone(0, 512);
    expect(asked.splice(0)).toEqual(["second"]);
    expect([flow.tryOut(9999), flow.tryOut(9999)]).toEqual([512, 0]);
    flow.messageDone(0, 512);
    expect(asked.splice(0)).toEqual(["second", "second", "third"]);
    flow.messageDone(0, 512);
    expect(asked).toEqual(["second"]);
    expect(flow.balanced).toBe(true);
  });

  it("refuses a byte more than the window", () => {
    const flow = new ReceiveFlow(65_535, 100_000);
    expect(flow.received(65_535)).toBe(true);
    expect(flow.received(1)).toBe(false);
  });

  it.each(seeds(20))("loses and makes no byte of credit, seed %i", (seed) => {
    const random = new Random(seed);
    const flow = new ReceiveFlow(100_000, 150_000);
    flow.takeDue();
    let grown = 0;
    const admitted: number[] = [];
    for (let step = 0; step < 2000; step++) {
      const n = random.int(0, 30_000);
      switch (random.int(0, 5)) {
        case 0:
        case 1:
          flow.received(Math.min(n, flow.window));
          break;
        case 2:
          flow.released(Math.min(n, flow.held));
          break;
        case 3:
          grown += flow.grow(n);
          break;
        case 4: {
          const less = Math.min(n, grown);
          grown -= less;
          flow.shrink(less);
          break;
        }
        case 5:
          if (random.oneIn(2)) {
            if (flow.admit(n, { askAgain: () => true })) admitted.push(n);
          } else if (admitted.length > 0) flow.messageDone(admitted.pop()!, 0);
          break;
      }
      flow.takeDue();
      expect(flow.balanced).toBe(true);
    }
    flow.takeDue();
    expect(flow.window).toBeGreaterThan(75_000);
  });
});
