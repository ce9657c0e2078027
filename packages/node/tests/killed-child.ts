// SPDX-License-Identifier: Apache-2.0
// killed-child.ts server | killed-child.ts client PORT: one end in a process of its own, which its parent kills.
import { setImmediate } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";

const [role, port] = process.argv.slice(2);

if (role === "server") {
  const stuck = new Promise<never>(() => {});
  const say = (): boolean => process.stdout.write("begun\n");
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    routes: (router) =>
      router.service(GreetService, {
        greet() {
          say();
          return stuck;
        },
        async greetClientStream(requests) {
          for await (const _ of requests) say();
          return {};
        },
        async *greetServerStream() {
          yield { greeting: "one" };
          say();
          await stuck;
        },
        async *greetStream(requests) {
          for await (const { name } of requests) {
            yield { greeting: name };
            say();
          }
        },
      }),
  });
  process.stdout.write(`port ${server.port}\n`);
} else {
  const client = createClient(GreetService, createTransport(`tri://127.0.0.1:${port}`));
  const chat = client.greetStream();
  await chat.send({ name: "a" });
  for await (const _ of chat) await setImmediate();
}
