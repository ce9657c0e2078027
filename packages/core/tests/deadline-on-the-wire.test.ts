// SPDX-License-Identifier: Apache-2.0
// Promise 4: deadlines are kept by the engine. What a client's deadline sends.
// Mutant: core/src/dialects/grpc/grpc.ts # if (timeoutMs !== undefined) fields.push(names.grpcTimeout, formatTimeout(timeoutMs));
// Mutant: core/src/dialects/grpc/timeout.ts # if (n <= largest) return `${n}${unit}`;
// Mutant: core/src/client/call/call.ts # onDeadline(): void { => onDeadline(): void { return undefined as never;
// Mutant: core/src/engine/call/client-call.ts # cancel(error: ConnectError): void { => cancel(error: ConnectError): void { return undefined as never;
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock } from "@tristream/testing";
import { errorOf, forEver, happening, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { finish, goodHead, goodMessage, startRawServer } from "./raw-server.js";
import { Wire } from "./wire.js";

type Client = ReturnType<typeof createClient<typeof GreetService>>;

/** A request that does not end; what of each kind is sent before its deadline. */
async function* open() {
  yield { name: "a" };
  await forEver();
}

const kinds: Record<string, (client: Client, timeoutMs: number) => PromiseLike<unknown>> = {
  "a unary call": (client, timeoutMs) => client.greet({}, { timeoutMs }),
  "a server stream": (client, timeoutMs) => client.greetServerStream({}, { timeoutMs }).responseTrailer,
  "an upload": (client, timeoutMs) => client.greetClientStream(open(), { timeoutMs }),
  "a chat": (client, timeoutMs) => client.greetStream(open(), { timeoutMs }).responseTrailer,
  "a chat's handle": (client, timeoutMs) => client.greetStream({ timeoutMs }).responseTrailer,
};

describe("a server of Node's own that never answers", () => {
  test.each(Object.entries(kinds))(
    "%s: the client says its time, and resets with CANCEL when it is over",
    async (_kind, call) => {
      const timeout = happening<unknown>();
      const closed = happening<number>();
      const clock = createClock();
      await using end = await startRawServer((stream, headers) => {
        timeout.tell(headers["grpc-timeout"]);
        stream.on("close", () => closed.tell(stream.rstCode));
      }, clock);
      const failed = errorOf(call(end.client, 100));
      expect(await timeout).toBe("100m");
      await clock.advance(104);
      expect((await failed).code).toBe(Code.DeadlineExceeded);
      expect(await closed).toBe(8);
    },
  );

  test("a stream that had begun gives what came, then the deadline", async () => {
    const clock = createClock();
    await using end = await startRawServer((stream) => {
      stream.respond(goodHead);
      stream.write(goodMessage);
    }, clock);
    const stream = end.client.greetServerStream({}, { timeoutMs: 100 });
    expect((await stream.receive())?.greeting).toBe("a");
    await clock.advance(104);
    expect((await errorOf(stream.receive())).code).toBe(Code.DeadlineExceeded);
  });

  test.each([
    [99_999_999, "99999999m"],
    [100_000_000, "100000S"],
    [1e12, "16666667M"],
    [Number.MAX_SAFE_INTEGER, "99999999H"],
  ])("a time of %d ms goes as %s: at most 8 digits, no fraction", async (timeoutMs, text) => {
    let told: unknown;
    await using end = await startRawServer((stream, headers) => {
      told = headers["grpc-timeout"];
      stream.respond(goodHead, { waitForTrailers: true });
      stream.write(goodMessage);
      finish(stream, { "grpc-status": "0" });
    }, createClock());
    await end.client.greet({}, { timeoutMs });
    expect(told).toBe(text);
  });
});

describe.each(everyLink)("a deadline over $name", (link) => {
  test.each([
    [0.4, 1],
    [100_000_000, 100_000_000],
    // The longest that the wheel of deadlines holds.
    [Number.MAX_SAFE_INTEGER, 2 ** 47],
  ])("of %d ms is understood as %d ms", async (timeoutMs, told) => {
    const left = happening<number | undefined>();
    await using end = await link.start({
      clock: createClock(),
      routes: (r) =>
        r.service(GreetService, {
          async greet(_request, context) {
            left.tell(context.timeoutMs());
            return {};
          },
        }),
    });
    await createClient(GreetService, end.transport).greet({}, { timeoutMs });
    expect(await left).toBe(told);
  });

  test("that passes with an open request: no END_STREAM, and no stream is left", async () => {
    const wire = new Wire();
    const clock = createClock();
    await using end = await link.start({
      clock,
      tap: wire.tap,
      routes: (r) => r.service(GreetService, { greetClientStream: forEver }),
    });
    const client = createClient(GreetService, end.transport);
    const failed = errorOf(client.greetClientStream(open(), { timeoutMs: 100 }));
    await until(() => end.server.activeCalls === 1);
    await clock.advance(104);
    expect((await failed).code).toBe(Code.DeadlineExceeded);
    await until(() => wire.openStreams === 0);
    expect(wire.of("client-to-server", 1).filter((line) => line.includes("END_STREAM"))).toEqual([]);
    await until(() => end.server.activeCalls === 0);
  });
});
