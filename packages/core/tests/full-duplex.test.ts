// SPDX-License-Identifier: Apache-2.0
// A bidi handler with two loops, as docs/guide.md has it: however the call ends, the loop over its requests throws the call's
// error, and the generator's `finally` can await it.
import { Code, ConnectError, createClient, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock } from "@tristream/testing";
import { all, errorOf, happening, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

const large = "x".repeat(100_000);

/** A handler whose generator gives `greetings`, then waits for the end of its loop over the requests. */
function duplex(greetings: Iterable<string>) {
  const seen = { yielded: 0, over: happening<unknown>(), ends: 0 };
  const impl: TripleServiceImpl<typeof GreetService> = {
    ...greeter(),
    async *greetStream(requests, { signal }) {
      const read = async () => {
        for await (const _ of requests);
      };
      const reading = read().then(
        () => "complete",
        (error) => ConnectError.from(error),
      );
      let outcome: unknown;
      try {
        for (const greeting of greetings) {
          seen.yielded++;
          yield { greeting };
        }
        outcome = await reading;
      } finally {
        if (signal.aborted) outcome = await reading;
        seen.ends++;
        seen.over.tell(outcome);
      }
    },
  };
  return { seen, impl };
}

function* endless(): Generator<string> {
  for (;;) yield large;
}

const positions = [
  { where: "at a yield", greetings: endless },
  { where: "at an await", greetings: () => ["a"] },
];

describe.each(everyLink)("a handler in full duplex over $name", (link) => {
  test.each(positions)(
    "that is $where when its client cancels hears it once in both loops",
    async ({ greetings }) => {
      const { seen, impl } = duplex(greetings());
      await using end = await link.start({ routes: (r) => r.service(GreetService, impl) });
      const client = createClient(GreetService, end.transport);
      const chat = client.greetStream();
      await chat.send({ name: "a" });
      await until(() => seen.yielded > 0);
      await chat.receive();
      chat.cancel();
      expect(await seen.over).toMatchObject({ code: Code.Canceled });
      expect((await client.greet({ name: "after" })).greeting).toBe("after");
      expect(seen.ends).toBe(1);
    },
  );

  test.each(positions)(
    "that is $where when its deadline passes hears it once in both loops",
    async ({ greetings }) => {
      const { seen, impl } = duplex(greetings());
      const clock = createClock();
      await using end = await link.start({ clock, routes: (r) => r.service(GreetService, impl) });
      const client = createClient(GreetService, end.transport);
      const failed = errorOf(client.greetStream({ timeoutMs: 50 }).responseTrailer);
      await until(() => seen.yielded > 0);
      await clock.advance(54);
      expect((await failed).code).toBe(Code.DeadlineExceeded);
      // The server counts by itself; what comes first there, its deadline or the client's reset, is a race.
      expect([Code.DeadlineExceeded, Code.Canceled]).toContain(((await seen.over) as ConnectError).code);
      expect(seen.ends).toBe(1);
    },
  );

  test.each(positions)(
    "that is $where when its connection is lost hears it once in both loops",
    async ({ greetings }) => {
      const { seen, impl } = duplex(greetings());
      await using end = await link.start({ cuttable: true, routes: (r) => r.service(GreetService, impl) });
      const chat = createClient(GreetService, end.transport).greetStream();
      await chat.receive();
      end.cut();
      expect(await seen.over).toMatchObject({ code: Code.Unavailable });
      expect((await errorOf(chat.responseTrailer)).code).toBe(Code.Unavailable);
      expect(seen.ends).toBe(1);
    },
  );

  test("ends when its client has sent all", async () => {
    const { seen, impl } = duplex(["a", "b"]);
    await using end = await link.start({ routes: (r) => r.service(GreetService, impl) });
    const client = createClient(GreetService, end.transport);
    expect(await all(client.greetStream([{ name: "a" }]))).toHaveLength(2);
    expect(await seen.over).toBe("complete");
  });

  test("that throws by itself ends the call, and the loop over its requests with it", async () => {
    const read = happening<unknown>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(requests) {
            const reading = (async () => {
              for await (const _ of requests);
            })();
            reading.catch(read.tell);
            yield {};
            throw new ConnectError("mine", Code.Aborted);
          },
        }),
    });
    const chat = createClient(GreetService, end.transport).greetStream();
    expect(await errorOf(all(chat))).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
    expect(await read).toMatchObject({ code: Code.Aborted });
  });
});
