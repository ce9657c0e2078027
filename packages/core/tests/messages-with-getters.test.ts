// SPDX-License-Identifier: Apache-2.0
// A message is read while it is written into the connection's buffer, and reading it may run code of the application's.
// Mutant: http2/src/output.ts # if (this.reserved || this.position + length > this.buffer.length) { => if (this.position + length > this.buffer.length) {
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

describe.each(everyLink)("over $name", (link) => {
  test("a message that makes calls while it is read, and they all, come through", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    await client.greet({ name: "the connection is open" });
    const inner: Promise<{ greeting: string }>[] = [];
    const outer = computed(() => {
      inner.push(client.greet({ name: `inner ${inner.length}` }));
      return "outer";
    });
    const answer = await client.greetClientStream([outer, { name: "b" }, outer]);
    expect(answer.greeting).toBe("outer,b,outer");
    expect(inner.length).toBeGreaterThan(1);
    expect((await Promise.all(inner)).map((m) => m.greeting)).toEqual(inner.map((_, i) => `inner ${i}`));
  });

  test("a message that sends on the same stream while it is read: all of them come through", async () => {
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

  test("a message that cancels its own call while it is read is not sent", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.send({ name: "first" });
    await chat.receive();
    const sending = chat.send(
      computed(() => {
        chat.cancel();
        return "never";
      }),
    );
    await sending.catch(() => {});
    expect((await errorOf(chat.receive())).code).toBe(Code.Canceled);
    expect((await client.greet({ name: "the connection goes on" })).greeting).toBe("the connection goes on");
  });

  test("a message that throws while it is read fails its call alone", async () => {
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
