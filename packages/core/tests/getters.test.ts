// SPDX-License-Identifier: Apache-2.0
// Messages whose fields are getters: these run while the message is written into the connection's buffer.
// Mutant: core/src/engine/message/message-writer.ts # length <= bound && stream.buffer === b && => length <= bound &&
// Mutant: core/src/engine/message/message-writer.ts # length <= bound && stream.buffer === b && => stream.buffer === b &&
// Mutant: http2/src/send/output.ts # if (this.reserved || this.position => if (this.position
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

/** A message whose name is worked out each time that it is read, as a computed property of an observable is. */
function computed(name: () => string): { readonly name: string } {
  return {
    get name() {
      return name();
    },
  };
}

describe.each(everyLink)("getters of a message over $name", (link) => {
  test("may make calls on the same connection, at each of their reads", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    await client.greet({ name: "the connection is there" });
    const within: Promise<{ greeting: string }>[] = [];
    const calling = (reads: number) => ({
      get name() {
        if (--reads === 0) within.push(client.greet({ name: `within ${"x".repeat(100)}` }));
        return "outer";
      },
    });
    const names = [{ name: "first" }, ...[1, 2, 3, 4].map(calling), { name: "last" }];
    const greetings = (await all(client.greetStream(names))).map((m) => m.greeting);
    expect(greetings).toEqual(["first", "outer", "outer", "outer", "outer", "last"]);
    const answers = await Promise.all(within);
    expect(answers.length).toBeGreaterThan(1);
    for (const { greeting } of answers) expect(greeting).toBe(`within ${"x".repeat(100)}`);
  });

  test("may give more than before", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    for (const size of [10, 1000, 30_000, 200_000]) {
      let reads = 0;
      const growing = {
        get name() {
          return "x".repeat(++reads === 1 ? 1 : size);
        },
      };
      const greetings = await all(client.greetStream([{ name: "first" }, growing, { name: "last" }]));
      expect(greetings.map((m) => m.greeting.length)).toEqual([5, size, 4]);
    }
  });

  test("may not give more than may be sent", async () => {
    await using end = await link.start({
      routes: (r) => r.service(GreetService, greeter()),
      transport: { writeMaxBytes: 100 },
    });
    let reads = 0;
    const growing = {
      get name() {
        return "x".repeat(++reads === 1 ? 1 : 1000);
      },
    };
    const call = all(createClient(GreetService, end.transport).greetStream([growing]));
    expect((await errorOf(call)).code).toBe(Code.ResourceExhausted);
  });

  test("may end the call that they are sent on", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    for (const at of [1, 2, 3, 4]) {
      const gone = new AbortController();
      let reads = 0;
      const ending = {
        get name() {
          if (++reads === at) gone.abort();
          return "outer";
        },
      };
      const call = all(
        client.greetStream([{ name: "first" }, ending, { name: "last" }], { signal: gone.signal }),
      );
      await call.catch(() => {});
      expect((await client.greet({ name: "after" })).greeting).toBe("after");
    }
  });

  test("may send on the stream that they are sent on", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.send({ name: "first" });
    expect((await chat.receive())?.greeting).toBe("first");
    let sent = 0;
    const sends: Promise<void>[] = [];
    const outer = computed(() => {
      sends.push(chat.send({ name: `inner ${sent++}` }));
      return "outer";
    });
    await chat.send(outer);
    await Promise.all(sends);
    await chat.closeRequest();
    const greetings = (await all(chat)).map((m) => m.greeting);
    expect(greetings.sort()).toEqual([...Array.from({ length: sent }, (_, i) => `inner ${i}`), "outer"]);
  });

  test("may throw: that fails their call alone", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const error = await errorOf(
      client.greet(
        computed(() => {
          throw new Error("no name today");
        }),
      ),
    );
    expect(error.rawMessage).toContain("no name today");
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
  });
});
