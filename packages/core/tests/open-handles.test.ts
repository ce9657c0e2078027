// SPDX-License-Identifier: Apache-2.0
// Promise 7: no leak. When both ends are closed, nothing is left that keeps a process alive.
// Mutant: node/src/serve.ts # if (sockets.listening) sockets.close();
import { createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

const kinds = ["TCPSocketWrap", "TCPServerWrap", "PipeWrap", "PipeServerWrap", "Timeout"] as const;

/** The handles that keep this process alive, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(kinds.map((kind) => [kind, 0]));
  for (const kind of process.getActiveResourcesInfo()) if (kind in counts) counts[kind]!++;
  return counts;
}

describe.each(everyLink)("both ends over $name", (link) => {
  test("leave no socket, server or timer", async () => {
    const before = resources();
    {
      await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
      const client = createClient(GreetService, end.transport, { timeoutMs: 60_000 });
      for (let i = 0; i < 50; i++) await client.greet({ name: "a" });
      await all(client.greetServerStream({ name: "a" }));
      await client.greetStream().closeResponse();
      // One runs when both are closed.
      const chat = client.greetStream();
      await chat.send({ name: "a" });
      await chat.receive();
      void errorOf(chat.receive());
    }
    await until(() => kinds.every((kind) => resources()[kind]! <= before[kind]!));
  });
});
