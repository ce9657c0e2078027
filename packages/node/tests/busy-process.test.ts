// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/engine/call/keep-time.ts # if (isLate) => if (false)
// Mutant: node/src/dial/dial-timer.ts # if (!late || this.wasLate) this.remaining -= this.tick; => this.remaining -= this.tick;
import { createServer } from "node:http2";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { expect, test } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport } from "@tristream/node";

/** Keeps the process busy: nothing is read and no timer fires meanwhile. */
function beBusy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test.each([
  ["prefaceTimeoutMs and settingsTimeoutMs", { http2: { settingsTimeoutMs: 1000, prefaceTimeoutMs: 1000 } }],
  ["connectTimeoutMs", { connectTimeoutMs: 1000 }],
])(
  "a process that was busy for longer than %s reads before it says that the peer was late",
  async (_what, options) => {
    const routes = connectNodeAdapter({
      routes: (router) => router.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
    });
    const http = createServer(routes);
    const server = createSocketServer((socket) => {
      socket.once("readable", async () => {
        // The client has sent its SETTINGS, and the blocked process can't acknowledge them before this is over.
        beBusy(3500);
        // A peer needs turns of its own to answer.
        for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
        http.emit("connection", socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `tri://127.0.0.1:${(server.address() as AddressInfo).port}`;
    {
      await using transport = createTransport(url, options);
      const client = createClient(GreetService, transport);
      expect((await client.greet({ name: "after all" })).greeting).toBe("after all");
    }
    await new Promise((resolve) => server.close(resolve));
  },
);
