// SPDX-License-Identifier: Apache-2.0
// The well-behaved client beside an attack: unary calls and the messages of one stream, at a steady rate.
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { type BidiStream, type Client, createClient, createTransport } from "@tristream/node";
import { answer } from "./child.js";

const headers = { "x-good": "1" };
/** Calls, and messages of the stream, a second: a rate that a busy machine can keep. */
const perSecond = 100;
const tickMs = 10;
const callMs = 10_000;

let transport: ReturnType<typeof createTransport> | undefined;
let greeter: Client<typeof GreetService>;
let chat: BidiStream<{ name: string }, { greeting: string }>;

answer<"good-client">({
  async open({ port }) {
    transport = createTransport(`tri://127.0.0.1:${port}`);
    greeter = createClient(GreetService, transport);
    chat = greeter.greetStream({ headers });
    // Code that runs for the first time is slow.
    for (let i = 0; i < 300; i++) await exchange(i);
    return null;
  },
  async measure({ ms }) {
    const times: number[] = [];
    const errors = new Set<string>();
    const running = new Set<Promise<void>>();
    const timed = (call: Promise<unknown>): void => {
      const began = performance.now();
      const done = call
        .then(() => void times.push(performance.now() - began))
        .catch((error: unknown) => void errors.add(String(error)))
        .finally(() => running.delete(done));
      running.add(done);
    };
    const began = performance.now();
    for (let i = 0; performance.now() - began < ms; ) {
      const due = ((performance.now() - began) / 1000) * perSecond;
      for (; i < due; i++) {
        timed(greeter.greet({ name: "unary" }, { headers, timeoutMs: callMs }));
        timed(echo(i));
      }
      await sleep(tickMs);
    }
    const sent = performance.now();
    await Promise.all(running);
    // A late answer counts as late: the period lasts until the last answer.
    const seconds = (Math.max(sent, performance.now()) - began) / 1000;
    times.sort((a, b) => a - b);
    const at = (part: number): number =>
      times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? callMs;
    return { rate: times.length / seconds, p50: at(0.5), p99: at(0.99), errors: [...errors] };
  },
  async close() {
    await transport?.close();
    return null;
  },
});

async function exchange(i: number): Promise<void> {
  await Promise.all([greeter.greet({ name: "unary" }, { headers }), echo(i)]);
}

async function echo(i: number): Promise<void> {
  const name = `message ${i}`;
  const [, reply] = await Promise.all([chat.send({ name }), chat.receive()]);
  if (reply?.greeting !== name) throw new Error(`"${name}" was answered by "${reply?.greeting}"`);
}
