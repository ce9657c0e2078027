// SPDX-License-Identifier: Apache-2.0
// Mutant: http2/src/receive-ledger.ts # Math.max(leastTrial, left >> 8) => leastTrial
// Mutant: http2/src/receive-ledger.ts # Math.max(leastTrial, left >> 8) => left >> 1
// Mutant: http2/src/receive-ledger.ts # this.trialRefused = true;
import { describe, expect, it } from "@jest/globals";
import { Random, seeds } from "../tests/random.js";
import { ReceiveLedger } from "./receive-ledger.js";

describe("ReceiveLedger", () => {
  it("announces the rest of its target at the start", () => {
    const ledger = new ReceiveLedger(4_194_304, 16_777_216);
    expect(ledger.takeDue()).toBe(4_194_304 - 65_535);
    expect(ledger.takeDue()).toBe(0);
  });

  it("gives credit on receipt, in steps of a quarter of the window", () => {
    const ledger = new ReceiveLedger(65_535, 1_000_000);
    ledger.received(16_383);
    expect(ledger.takeDue()).toBe(0);
    ledger.received(1);
    expect(ledger.takeDue()).toBe(16_384);
  });

  it("gives credit whatever is held", () => {
    const ledger = new ReceiveLedger(65_535, 65_535);
    for (let i = 0; i < 10; i++) {
      expect(ledger.received(65_535)).toBe(true);
      expect(ledger.takeDue()).toBe(65_535);
    }
    expect(ledger.held).toBe(655_350);
    expect(ledger.balanced).toBe(true);
  });

  it("lets windows grow as far as the budget goes", () => {
    const ledger = new ReceiveLedger(65_535, 100_000);
    expect([ledger.grow(60_000), ledger.exhausted]).toEqual([60_000, false]);
    expect([ledger.grow(60_000), ledger.exhausted]).toEqual([40_000, true]);
    expect(ledger.grow(1)).toBe(0);
    ledger.shrink(60_000);
    expect(ledger.grow(70_000)).toBe(60_000);
    expect(ledger.balanced).toBe(true);
  });

  it("admits messages as far as the budget goes, the others in their order", () => {
    const ledger = new ReceiveLedger(65_535, 100_000);
    const log: string[] = [];
    const waiter = (name: string, n: number) => ({
      askAgain() {
        const admitted = ledger.admit(n, this);
        if (admitted) log.push(name);
        return admitted;
      },
    });
    const large = waiter("large", 90_000);
    const small = waiter("small", 10_000);
    expect(ledger.admit(70_000, waiter("first", 70_000))).toBe(true);
    expect(large.askAgain()).toBe(false);
    expect(large.askAgain()).toBe(false);
    expect(small.askAgain()).toBe(true);
    // In its turn: a third one does not pass the one that waits.
    const later = waiter("later", 25_000);
    expect(later.askAgain()).toBe(false);
    ledger.settle(70_000, 0);
    expect(log).toEqual(["small", "large"]);
    ledger.settle(10_000, 0);
    expect(log).toEqual(["small", "large"]);
    ledger.settle(90_000, 0);
    expect(log).toEqual(["small", "large", "later"]);
    expect(ledger.balanced).toBe(true);
  });

  it("admits one message however large, and forgets who waits no longer", () => {
    const ledger = new ReceiveLedger(65_535, 65_535);
    const never = {
      askAgain(): boolean {
        throw new Error("asked, though it was forgotten");
      },
    };
    expect(ledger.admit(10_000_000, never)).toBe(true);
    expect(ledger.admit(1, never)).toBe(false);
    ledger.forget(never);
    ledger.settle(10_000_000, 0);
    expect(ledger.balanced).toBe(true);
  });

  it("gives a thousand messages that wait credit for a trial", () => {
    const ledger = new ReceiveLedger(65_535, 16_777_216);
    const steps = Array.from({ length: 1000 }, () => ledger.tryOut(1_000_000));
    expect(steps[0]).toBe(65_536);
    expect(Math.min(...steps)).toBeGreaterThan(1000);
    expect(ledger.tryOut(100)).toBe(100);
    expect(ledger.balanced).toBe(true);
  });

  it("asks all that wait again when a trial ends, if it had none left", () => {
    const ledger = new ReceiveLedger(65_535, 1024);
    const asked: string[] = [];
    const waiter = (name: string) => ({
      askAgain() {
        asked.push(name);
        return ledger.admit(1000, this);
      },
    });
    expect(ledger.admit(1000, waiter("first"))).toBe(true);
    for (const name of ["second", "third"]) expect(ledger.admit(1000, waiter(name))).toBe(false);
    expect([ledger.tryOut(9999), ledger.tryOut(9999)]).toEqual([512, 512]);
    ledger.settle(0, 512);
    expect(asked.splice(0)).toEqual(["second"]);
    expect([ledger.tryOut(9999), ledger.tryOut(9999)]).toEqual([512, 0]);
    ledger.settle(0, 512);
    expect(asked.splice(0)).toEqual(["second", "second", "third"]);
    ledger.settle(0, 512);
    expect(asked).toEqual(["second"]);
    expect(ledger.balanced).toBe(true);
  });

  it("refuses a byte more than the window", () => {
    const ledger = new ReceiveLedger(65_535, 100_000);
    expect(ledger.received(65_535)).toBe(true);
    expect(ledger.received(1)).toBe(false);
  });

  it.each(seeds(20))("loses and makes no byte of credit, seed %i", (seed) => {
    const random = new Random(seed);
    const ledger = new ReceiveLedger(100_000, 150_000);
    ledger.takeDue();
    let grown = 0;
    const admitted: number[] = [];
    for (let step = 0; step < 2000; step++) {
      const n = random.int(0, 30_000);
      switch (random.int(0, 5)) {
        case 0:
        case 1:
          ledger.received(Math.min(n, ledger.window));
          break;
        case 2:
          ledger.released(Math.min(n, ledger.held));
          break;
        case 3:
          grown += ledger.grow(n);
          break;
        case 4: {
          const less = Math.min(n, grown);
          grown -= less;
          ledger.shrink(less);
          break;
        }
        case 5:
          if (random.oneIn(2)) {
            if (ledger.admit(n, { askAgain: () => true })) admitted.push(n);
          } else if (admitted.length > 0) ledger.settle(admitted.pop()!, 0);
          break;
      }
      ledger.takeDue();
      expect(ledger.balanced).toBe(true);
    }
    ledger.takeDue();
    expect(ledger.window).toBeGreaterThan(75_000);
  });
});
