// SPDX-License-Identifier: Apache-2.0
// Promise 11: nothing is lost or reordered. A server interceptor that calls `next()` again runs the handler again: one run has all
// requests, and the loop of another one throws. An empty stream would look like a complete request.
// Mutant: core/src/server/call/handler-runs.ts # return this.reading === run ? this.requests : this.refusing(); => return this.requests;
// Mutant: core/src/server/call/handler-runs.ts # if (this.given.includes(messages) && !isReplayable(messages)) => if (false)
// Mutant: core/src/mount/connect-options.ts # ...resolved.interceptors, countRuns] => ...resolved.interceptors]
import { createRouterTransport, type StreamRequest, type StreamResponse } from "@connectrpc/connect";
import { Code, createClient, type Interceptor, mount, type Transport } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

type Next = (req: StreamRequest) => Promise<StreamResponse>;
type Way = "itself" | "one wrapper" | "a wrapper each";

const names = ["a", "b", "c"].map((name) => ({ name }));

function wrapped(req: StreamRequest): StreamRequest {
  const message = async function* () {
    yield* req.message;
  };
  return { ...req, message: message() } as StreamRequest;
}

/** Runs the handler twice, and answers with the second run. */
function twice(way: Way): Interceptor {
  return ((next: Next) => async (given: StreamRequest) => {
    const req = way === "one wrapper" ? wrapped(given) : given;
    const run = () => next(way === "a wrapper each" ? wrapped(req) : req);
    const first = await run();
    if (first.stream) for await (const _ of first.message);
    return run();
  }) as unknown as Interceptor;
}

interface Started extends AsyncDisposable {
  readonly transport: Transport;
}

type Routes = Parameters<typeof createRouterTransport>[0];

const servers: readonly { readonly name: string; start(way: Way): Promise<Started> }[] = [
  ...everyLink.map((link) => ({
    name: link.name,
    start: (way: Way): Promise<Started> =>
      link.start({ interceptors: [twice(way)], routes: (r) => r.service(GreetService, greeter()) }),
  })),
  {
    name: "a mount",
    async start(way) {
      const routes = mount((r) => r.service(GreetService, greeter()), { interceptors: [twice(way)] });
      return { transport: createRouterTransport(routes as Routes), async [Symbol.asyncDispose]() {} };
    },
  },
];

const refusal =
  "an interceptor of greet.GreetService/GreetClientStream called next() again: the requests were read by an earlier run of the handler and can't be read again";

describe.each(servers)("a handler that an interceptor runs twice over $name", ({ start }) => {
  test.each(["itself", "one wrapper", "a wrapper each"] as const)(
    "has an upload's messages once, passed on as %s: the second run's loop throws",
    async (way) => {
      await using end = await start(way);
      const client = createClient(GreetService, end.transport);
      const error = await errorOf(client.greetClientStream(names));
      expect(error).toMatchObject({ code: Code.FailedPrecondition, rawMessage: refusal });
      const chat = await errorOf(all(client.greetStream(names)));
      expect(chat.code).toBe(Code.FailedPrecondition);
    },
  );

  test("has the one message of the other kinds each time", async () => {
    for (const way of ["itself", "a wrapper each"] as const) {
      await using end = await start(way);
      const client = createClient(GreetService, end.transport);
      expect(await all(client.greetServerStream({ name: "x" }))).toHaveLength(3);
    }
  });
});

describe.each(everyLink)("a server interceptor over $name that calls next() again", (link) => {
  test("after a run that has read nothing gives the second one all messages", async () => {
    let runs = 0;
    await using end = await link.start({
      interceptors: [
        ((next: Next) => async (req: StreamRequest) => {
          try {
            return await next(req);
          } catch {
            return next(req);
          }
        }) as unknown as Interceptor,
      ],
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async greetClientStream(requests, context) {
            if (++runs === 1) throw new Error("not ready");
            return greeter().greetClientStream!(requests, context);
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    expect((await client.greetClientStream(names)).greeting).toBe("a,b,c");
  });

  test("while the first run reads: that one has all messages", async () => {
    const both = ((next: Next) => async (req: StreamRequest) => {
      const [first, second] = [next(req), next(req)];
      second.catch(() => {});
      return first;
    }) as unknown as Interceptor;
    await using end = await link.start({
      interceptors: [both],
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = createClient(GreetService, end.transport);
    expect((await client.greetClientStream(names)).greeting).toBe("a,b,c");
  });
});
