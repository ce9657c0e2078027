// SPDX-License-Identifier: Apache-2.0
// process-exit-child.ts SCRIPT URL: a program that makes calls and never closes its transport. It prints how each call ended.
import dns from "node:dns";
import { createServer } from "node:net";
import { setImmediate } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";

const [script = "", url = ""] = process.argv.slice(2);

const { lookup } = dns;
(dns as { lookup: unknown }).lookup = (host: string, ...rest: unknown[]) => {
  // A lookup that never answers, and holds nothing.
  if (host !== "never.example") (lookup as (...args: unknown[]) => void)(host, ...rest);
};

if (script === "full") {
  // Listens, and never accepts: its process stands still.
  createServer().listen(
    { port: 0, host: "127.0.0.1", backlog: 1 },
    function (this: import("node:net").Server) {
      process.stdout.write(`${(this.address() as import("node:net").AddressInfo).port}\n`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  );
} else {
  // Without a limit: only that no call waits may end a dial.
  const transport = createTransport(url, { connectTimeoutMs: Number.POSITIVE_INFINITY });
  const client = createClient(GreetService, transport);

  const outcome = (call: Promise<{ greeting: string } | undefined>): Promise<string> =>
    call.then(
      (answer) => answer?.greeting ?? "nothing",
      (error: unknown) => Code[ConnectError.from(error).code],
    );
  const greet = (options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<string> =>
    outcome(client.greet({ name: "hello" }, options));

  const scripts: Record<string, () => Promise<string[]>> = {
    answered: async () => [await greet()],
    async cancelled() {
      const controller = new AbortController();
      const call = greet({ signal: controller.signal });
      controller.abort();
      return [await call];
    },
    deadline: async () => [await greet({ timeoutMs: 50 })],
    async "one-of-two"() {
      const controller = new AbortController();
      const calls = [greet({ signal: controller.signal }), greet()];
      controller.abort();
      return Promise.all(calls);
    },
    "one-of-two-deadlines": () => Promise.all([greet({ timeoutMs: 50 }), greet({ timeoutMs: 300 })]),
    async closed() {
      const call = greet();
      await setImmediate();
      await transport.close();
      return [await call];
    },
    async queued() {
      const controllers = [new AbortController(), new AbortController()];
      const [first, second] = controllers.map(({ signal }) =>
        client.greetServerStream({ name: "endless" }, { signal }),
      );
      await first!.receive();
      const calls = [first!, second!].map((stream) => outcome(stream.receive()));
      await setImmediate();
      for (const controller of controllers) controller.abort();
      return Promise.all(calls);
    },
  };
  for (const line of await scripts[script]!()) console.log(line);
}
