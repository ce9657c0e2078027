// SPDX-License-Identifier: Apache-2.0
// client.ts PORT: calls of all four kinds through the proxy on this port, each with a name of its own, without a pause. The line "go on" on stdin
// is answered by "GOES ON" once a call of each kind has begun and ended well, "result" by "RESULT {…}" of the calls since the last one. "end" ends
// the calls before that.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";

/** A call that takes longer hangs. */
const timeoutMs = 15_000;
const messages = 50;
const pauseMs = 5;
const workers = { greet: 16, stream: 6, chat: 4, upload: 4 };

const client = createClient(GreetService, createTransport(`tri://127.0.0.1:${process.argv[2]}`));

type Kind = keyof typeof workers;
/** The calls that failed, by what the error says. */
type Failures = Record<string, string[]>;
let result = { ok: 0, unavailable: {} as Failures, wrong: {} as Failures };
let next = 0;
let ending = false;
/** Kinds that have not gone on yet, and the first call that counts. */
let waiting = new Set<Kind>();
let from = 0;

const kinds: Record<Kind, (name: string) => Promise<void>> = {
  async greet(name) {
    same((await client.greet({ name }, { timeoutMs })).greeting, name);
  },
  async stream(name) {
    let received = 0;
    for await (const { greeting } of client.greetServerStream({ name: `${name} ${messages}` }, { timeoutMs }))
      same(greeting, `${received++}`);
    same(`${received}`, `${messages}`);
  },
  async chat(name) {
    await using chat = client.greetStream({ timeoutMs });
    for (let i = 0; i < messages; i++) {
      const text = i === 0 ? name : `${i}`;
      await chat.send({ name: text });
      same((await chat.receive())?.greeting ?? "the end", text);
    }
    await chat.closeRequest();
    same((await chat.receive())?.greeting ?? "the end", "the end");
  },
  async upload(name) {
    await using upload = client.greetClientStream({ timeoutMs });
    for (let i = 0; i < messages; i++) {
      await upload.send({ name: i === 0 ? name : `${i}` });
      await sleep(pauseMs);
    }
    same((await upload.closeAndReceive()).greeting, `${messages}`);
  },
};

function same(got: string, wanted: string): void {
  if (got !== wanted) throw new Error(`got ${got} in place of ${wanted}`);
}

async function work(kind: Kind): Promise<void> {
  while (!ending) {
    const id = next++;
    const name = `${kind}-${id}`;
    try {
      await kinds[kind](name);
      result.ok++;
      if (id >= from && waiting.delete(kind) && waiting.size === 0) console.log("GOES ON");
    } catch (error) {
      const { code, message } = ConnectError.from(error);
      const text = `${kind}: ${message}`.replace(/\d+ (?=message|ms)/, "N ");
      const failures = code === Code.Unavailable ? result.unavailable : result.wrong;
      failures[text] ??= [];
      failures[text].push(kind === "stream" ? `${name} ${messages}` : name);
      // Without a connection, calls fail at once.
      await sleep(20);
    }
  }
}

await client.greet({ name: "first" }, { timeoutMs });
const all = Object.keys(workers) as Kind[];
const running = all.flatMap((kind) => Array.from({ length: workers[kind] }, () => work(kind)));
console.log("READY");
createInterface(process.stdin).on("line", async (line) => {
  if (line === "go on") {
    [waiting, from] = [new Set(all), next];
    return;
  }
  if (line === "end") {
    ending = true;
    await Promise.all(running);
  }
  const text = `RESULT ${JSON.stringify(result)}\n`;
  result = { ok: 0, unavailable: {}, wrong: {} };
  process.stdout.write(text, () => line === "end" && process.exit());
});
