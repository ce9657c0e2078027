// SPDX-License-Identifier: Apache-2.0
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

  it("withholds credit past the bytes that may be buffered, until some are taken", () => {
    const ledger = new ReceiveLedger(65_535, 70_000);
    expect(ledger.received(65_535)).toBe(true);
    expect(ledger.takeDue()).toBe(65_535);
    expect(ledger.received(65_535)).toBe(true);
    expect(ledger.takeDue()).toBe(0);
    ledger.released(20_000);
    expect(ledger.takeDue()).toBe(20_000);
    expect(ledger.balanced).toBe(true);
  });

  it("gives withheld credit for bytes that one message needs", () => {
    const ledger = new ReceiveLedger(65_535, 65_535);
    ledger.received(65_535);
    ledger.takeDue();
    ledger.received(65_535);
    expect(ledger.takeDue()).toBe(0);
    ledger.lend(65_535);
    expect(ledger.takeDue()).toBe(65_535);
    ledger.released(131_070);
    ledger.lend(-65_535);
    expect(ledger.balanced).toBe(true);
  });

  it("lends for all messages that are under way, until they are whole", () => {
    const ledger = new ReceiveLedger(65_535, 65_535);
    ledger.lend(65_535);
    ledger.lend(65_535);
    for (let i = 0; i < 3; i++) {
      ledger.received(65_535);
      expect(ledger.takeDue()).toBe(65_535);
    }
    ledger.lend(-65_535);
    ledger.received(65_535);
    expect(ledger.takeDue()).toBe(0);
  });

  it("refuses an octet more than the window", () => {
    const ledger = new ReceiveLedger(65_535, 100_000);
    expect(ledger.received(65_535)).toBe(true);
    expect(ledger.received(1)).toBe(false);
  });

  it.each(seeds(20))("loses and makes no octet of credit, seed %i", (seed) => {
    const random = new Random(seed);
    const ledger = new ReceiveLedger(100_000, 150_000);
    ledger.takeDue();
    let lent = 0;
    for (let step = 0; step < 2000; step++) {
      let n = random.int(0, 30_000);
      switch (random.int(0, 4)) {
        case 0:
        case 1:
          ledger.received(Math.min(n, ledger.window));
          break;
        case 2:
          ledger.released(Math.min(n, ledger.held));
          break;
        case 3:
          lent += n;
          ledger.lend(n);
          break;
        case 4:
          n = Math.min(n, lent);
          lent -= n;
          ledger.lend(-n);
          break;
      }
      ledger.takeDue();
      expect(ledger.balanced).toBe(true);
    }
    ledger.released(ledger.held);
    ledger.takeDue();
    expect(ledger.window).toBeGreaterThan(75_000);
  });
});
