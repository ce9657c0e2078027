// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory, and no message waits for ever for it.
import { createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { happening } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

describe.each(everyLink)("large messages of many calls at once over $name", (link) => {
  test("do not wait for each other, though together they pass what a connection may buffer", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const name = "x".repeat(1_000_000);
    // 40 MB are under way in turns on one connection, of which 16 MiB may be buffered; the window is 4 MiB.
    const calls = Array.from({ length: 40 }, (_, i) => client.greet({ name: name + i }));
    const answers = await Promise.all(calls);
    expect(answers.map(({ greeting }) => greeting.slice(name.length))).toEqual(
      calls.map((_, i) => String(i)),
    );
  });

  test("do not, when each call sends several to a handler that is slow to begin", async () => {
    const name = "x".repeat(300_000);
    let begun = 0;
    const all = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greetClientStream(requests) {
            if (++begun === 60) all.tell();
            await all;
            let n = 0;
            for await (const { name: got } of requests) n += got.length;
            return { greeting: String(n) };
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const calls = Array.from({ length: 60 }, () => client.greetClientStream(Array(4).fill({ name })));
    const answers = await Promise.all(calls);
    expect(new Set(answers.map(({ greeting }) => greeting))).toEqual(new Set([String(4 * name.length)]));
  });

  test("do not on the way back", async () => {
    const greeting = "x".repeat(1_000_000);
    await using end = await link.start({
      routes: (r) => r.service(GreetService, { greet: () => ({ greeting }) }),
    });
    const client = createClient(GreetService, end.transport);
    const answers = await Promise.all(Array.from({ length: 40 }, () => client.greet({})));
    expect(answers.every((answer) => answer.greeting === greeting)).toBe(true);
  });
});
