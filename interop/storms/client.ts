// SPDX-License-Identifier: Apache-2.0
// client.ts LIBRARY PORT:STREAMS:ANSWERED:NAME...: the storms on one connection to each port, by a library of ../what-happens. ANSWERED
// of the streams have a message when all are cancelled; NAME is their request. The first port gets the calls with deadlines, too. Prints
// "RESULT {…}" for each port.
import { setMaxListeners } from "node:events";
import { type Caller, type Library, type LibraryName, loadLibrary } from "../what-happens/library.js";

const deadlines = 10_000;
const atOnce = 500;
/** Of calls that take about a millisecond: every other one may be late. */
const timeouts = [2, 10_000, 50, 10_000];
const [canceled, deadlineExceeded] = [1, 4];

const [name, ...targets] = process.argv.slice(2);
const library = await loadLibrary(name as LibraryName);
for (const [i, target] of targets.entries()) {
  const [port, count, answered, ...words] = target.split(":");
  const caller = library.connect(Number(port));
  const result = await storms(library, caller, Number(count), Number(answered), words.join(":"), i === 0);
  console.log(`RESULT ${JSON.stringify(result)}`);
  await caller.close();
}
process.exit();

async function storms(
  { read }: Library,
  caller: Caller,
  count: number,
  answered: number,
  request: string,
  isFirst: boolean,
) {
  const wrong = new Map<string, number>();
  const result = { cancelled: 0, messages: 0, good: 0, ok: 0, late: 0, wrong: {} as Record<string, number> };
  function fail(what: string, error: unknown): void {
    const { code, text } = read(error);
    const line = `${what}: code ${code}, ${text}`.slice(0, 300);
    wrong.set(line, (wrong.get(line) ?? 0) + 1);
  }

  /** Calls as a client does that has seen nothing odd. */
  async function goOn(): Promise<void> {
    const calls = Array.from({ length: 100 }, async (_, i) => {
      if ((await caller.greet({ name: `call ${i}` })).greeting === `call ${i}`) result.good++;
    });
    for (const { reason } of (await Promise.allSettled(calls)).filter((call) => call.status === "rejected"))
      fail("a call after the storm", reason);
    try {
      let received = 0;
      for await (const { greeting } of caller.greetServerStream({ name: "count:100:m" }))
        if (greeting === `m ${received}`) received++;
      if (received === 100) result.good++;
      else fail("a stream after the storm", new Error(`${received} of 100 messages`));
    } catch (error) {
      fail("a stream after the storm", error);
    }
  }

  async function cancelAll(): Promise<void> {
    const all = new AbortController();
    setMaxListeners(0, all.signal);
    let answering = 0;
    const streams = Array.from({ length: count }, async () => {
      let first = true;
      try {
        for await (const _ of caller.greetServerStream({ name: request }, { signal: all.signal })) {
          result.messages++;
          if (first && ++answering === answered) all.abort();
          first = false;
        }
        fail("a cancelled stream", new Error("ended well"));
      } catch (error) {
        if (read(error).code === canceled) result.cancelled++;
        else fail("a cancelled stream", error);
      }
    });
    await Promise.all(streams);
  }

  async function haveDeadlines(): Promise<void> {
    let next = 0;
    async function worker(): Promise<void> {
      while (next < deadlines) {
        const timeoutMs = timeouts[next++ % timeouts.length]!;
        try {
          await caller.greet({ name: "ms:1" }, { timeoutMs });
          result.ok++;
        } catch (error) {
          if (read(error).code === deadlineExceeded) result.late++;
          else fail("a call with a deadline", error);
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  await goOn();
  await cancelAll();
  await goOn();
  if (isFirst) {
    await haveDeadlines();
    await goOn();
  }
  // Only the grpc-go server knows this name; the others answer with the name.
  const running = Number((await caller.greet({ name: "running" })).greeting);
  if (running > 0) fail("handlers", new Error(`${running} are left`));
  result.wrong = Object.fromEntries(wrong);
  return result;
}
