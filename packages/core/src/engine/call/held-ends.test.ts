// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/engine/call/held-ends.ts # if (!this.pinging) this.ping(); => this.ping();
// Mutant: core/src/engine/call/held-ends.ts # if (this.arrived.size > 0) this.ping();
// Mutant: core/src/engine/call/held-ends.ts # if (!this.asked.delete(end)) this.arrived.delete(end);
// Mutant: core/src/engine/call/held-ends.ts # if (next < due.length) => if (next < 0)
// Mutant: core/src/engine/call/held-ends.ts # const due = ofLastTurn; => const due = ofThisTurn;
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createClock } from "@tristream/testing";
import { nextTurn } from "../../runtime/turns.js";
import { DeadlineWheel } from "./deadline.js";
import { type EndReceiver, HeldEnds } from "./held-ends.js";

const turns = async (n: number): Promise<void> => {
  for (let i = 0; i < n; i++) await new Promise<void>((resolve) => nextTurn(resolve));
};

/** The ends of a connection whose PINGs a test answers, by a clock that it advances. */
function connection() {
  const clock = createClock();
  const wheel = new DeadlineWheel(clock);
  const pings: (() => void)[] = [];
  const ends = new HeldEnds({ ping: (answered) => pings.push(answered) }, wheel);
  const delivered: string[] = [];
  const end = (name: string): EndReceiver => ({ deliverEnd: () => delivered.push(name) });
  return { clock, wheel, pings, ends, delivered, end };
}

describe("the end of a request stream", () => {
  test("waits for the answer to a PING, and for the input of two turns behind it", async () => {
    const { pings, ends, delivered, end, wheel } = connection();
    ends.hold(end("a"));
    await turns(20);
    expect([pings.length, delivered]).toEqual([1, []]);
    pings[0]?.();
    expect(delivered).toEqual([]);
    await turns(1);
    expect(delivered).toEqual([]);
    await turns(2);
    expect([delivered, wheel.size]).toEqual([["a"], 0]);
  });

  test("shares the next PING with all that arrive while one is in flight", async () => {
    const { pings, ends, delivered, end } = connection();
    for (const name of ["a", "b", "c"]) ends.hold(end(name));
    expect(pings).toHaveLength(1);
    pings[0]?.();
    await turns(3);
    expect([pings.length, delivered]).toEqual([2, ["a"]]);
    pings[1]?.();
    await turns(3);
    expect([pings.length, delivered]).toEqual([2, ["a", "b", "c"]]);
  });

  test("is delivered within 6 ms without an answer, and nothing of it is kept", async () => {
    const { clock, pings, ends, delivered, end, wheel } = connection();
    ends.hold(end("a"));
    ends.hold(end("b"));
    await clock.advance(1);
    expect(delivered).toEqual([]);
    await clock.advance(5);
    expect([delivered.sort(), wheel.size, pings.length]).toEqual([["a", "b"], 0, 1]);
    // The late answer finds neither of them, and asks for no other.
    pings[0]?.();
    await turns(3);
    expect([delivered.length, pings.length]).toEqual([2, 1]);
  });

  test("is forgotten when the connection has ended", async () => {
    const { clock, ends, delivered, end, wheel } = connection();
    ends.hold(end("a"));
    ends.hold(end("b"));
    ends.clear();
    expect(wheel.size).toBe(0);
    await clock.advance(10);
    expect(delivered).toEqual([]);
  });

  test("waits for two turns on a connection without PING", async () => {
    const delivered: string[] = [];
    const ends = new HeldEnds({}, new DeadlineWheel(createClock()));
    ends.hold({ deliverEnd: () => delivered.push("a") });
    await turns(1);
    expect(delivered).toEqual([]);
    await turns(2);
    expect(delivered).toEqual(["a"]);
  });

  // A process of its own: jest takes each uncaught exception for a failure.
  test("is delivered also when the receiver before it throws", async () => {
    const file = new URL("./held-ends.ts", import.meta.url).href;
    const script = `
      import { holdForTwoTurns } from ${JSON.stringify(file)};
      process.on("uncaughtException", (error) => console.log(error.message));
      holdForTwoTurns({ deliverEnd() { throw new Error("a"); } });
      holdForTwoTurns({ deliverEnd() { throw new Error("b"); } });
      holdForTwoTurns({ deliverEnd() { console.log("c"); } });`;
    const run = promisify(execFile);
    const flags = ["--conditions=@tristream/source", "--import", "tsx", "--input-type=module", "-e", script];
    const { stdout } = await run(process.execPath, flags);
    expect(stdout).toBe("a\nb\nc\n");
  });
});
