// SPDX-License-Identifier: Apache-2.0
// client.ts PORT MODE: has a stream, a chat and an upload open on one connection, and looks that each message arrives in order. MODE is
// "deadlines", for calls with a deadline of a second beside them; "streams", for nothing more; "full", for an upload as fast as its sends
// settle; "silent", for the stream alone. The first stream that ends by Unavailable prints "LOST TIME". The line "go on" on stdin is answered
// by "GOES ON" once all streams that live have messages of after that and a call went well; "end" ends all streams and prints "RESULT {…}".
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";
import { tickMs } from "./pace.js";

const more = 5;
const [port, mode] = process.argv.slice(2);
const transport = createTransport(`tri://127.0.0.1:${port}`);
const client = createClient(GreetService, transport);
const result = { streams: 0, lost: 0, ok: 0, late: 0, unavailable: 0, wrong: [] as string[] };
let ending = false;
let isLost = false;
const wrong = (what: string): void => void result.wrong.push(what.slice(0, 300));

/** A stream that lives, and how many of its messages have arrived. */
interface Flow {
  moved: number;
  alive: boolean;
}
const flows: Flow[] = [];

/** Runs a stream to its end. */
async function flow(name: string, run: (flow: Flow) => Promise<void>): Promise<void> {
  const self: Flow = { moved: 0, alive: true };
  flows.push(self);
  result.streams++;
  try {
    await run(self);
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    if (code !== Code.Unavailable) return wrong(`the ${name} ended by ${String(error)}`);
    result.lost++;
    if (!isLost) console.log(`LOST ${Date.now()} ${rawMessage}`);
    isLost = true;
  } finally {
    self.alive = false;
  }
}

async function stream(self: Flow): Promise<void> {
  await using ticks = client.greetServerStream({});
  for await (const { greeting } of ticks) {
    if (greeting !== `${self.moved}`) throw new Error(`message ${self.moved} was ${greeting}`);
    self.moved++;
    if (ending) break;
  }
}

async function chat(self: Flow): Promise<void> {
  await using echo = client.greetStream();
  let sent = 0;
  const sending = (async () => {
    for (; !ending; sent++) {
      await echo.send({ name: `${sent}` });
      await sleep(tickMs);
    }
    await echo.closeRequest();
  })();
  sending.catch(() => {});
  for await (const { greeting } of echo) {
    if (greeting !== `${self.moved}`) throw new Error(`message ${self.moved} was ${greeting}`);
    self.moved++;
  }
  await sending;
  if (self.moved !== sent) throw new Error(`${self.moved} of ${sent} messages came back`);
}

async function upload(self: Flow): Promise<void> {
  await using up = client.greetClientStream();
  const rest = mode === "full" ? " ".repeat(10_000) : "";
  for (; !ending; self.moved++) {
    await up.send({ name: `${self.moved}${rest}` });
    if (mode !== "full") await sleep(tickMs);
  }
  const { greeting } = await up.closeAndReceive();
  if (greeting !== `${self.moved}`)
    throw new Error(`${self.moved} messages were sent, the server says ${greeting}`);
}

async function call(timeoutMs: number): Promise<boolean> {
  try {
    await client.greet({ name: "call" }, { timeoutMs });
    result.ok++;
    return true;
  } catch (error) {
    const { code } = ConnectError.from(error);
    if (code === Code.DeadlineExceeded) result.late++;
    else if (code === Code.Unavailable) result.unavailable++;
    else wrong(`a call ended by ${String(error)}`);
    return false;
  }
}

async function calls(): Promise<void> {
  const all: Promise<boolean>[] = [];
  while (!ending) {
    all.push(call(1000));
    await sleep(2 * tickMs);
  }
  await Promise.all(all);
}

async function goOn(): Promise<void> {
  const marks = flows.map(({ moved }) => moved);
  while (!(await call(1000))) await sleep(100);
  while (flows.some(({ alive, moved }, i) => alive && moved < marks[i]! + more)) await sleep(20);
  console.log(`GOES ON ${Date.now()}`);
}

const running = [flow("stream", stream)];
if (mode !== "silent") running.push(flow("chat", chat), flow("upload", upload));
if (mode === "deadlines") running.push(calls());
while (flows.some(({ moved }) => moved < more)) await sleep(20);
console.log("READY");
createInterface(process.stdin).on("line", async (line) => {
  if (line === "go on") return goOn();
  ending = true;
  await Promise.all(running);
  console.log(`RESULT ${JSON.stringify(result)}`);
  await transport.close();
  process.exit();
});
