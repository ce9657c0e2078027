// SPDX-License-Identifier: Apache-2.0
// An answer under a mount always has an end that says how the call went: whatever becomes of the request, and while the end
// itself is being compressed, which takes a while.
// Mutant: core/src/mount/request-body.ts # if (this.over || this.dropping) return; => void this.source.return?.();
// Mutant: core/src/mount/guard-handler.ts # return call.answer(await call.errorAnswer(error)); => throw error;
// Mutant: core/src/mount/guard-handler.ts # return this.endWith(error, trailer); => throw error;
// Mutant: core/src/mount/connect-options.ts # throw thrownConnectError(error) ?? log.unexpected({ method, peer: "unknown" }, error); => throw error;
import { createClient as createConnectClient } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, ConnectError, type Logger, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, forEver, happening, turns } from "./events.js";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { type MountedRoutes, over, type StockOptions, stockTransport, type Way, ways } from "./mounts.js";
import { callHttp1 } from "./raw-http1.js";

/** Gzip that takes some turns of the event loop, and fails at the message that a test says. */
function gzip(fails?: { at: number; by: unknown }): typeof compressionGzip {
  let compressed = 0;
  return {
    ...compressionGzip,
    async compress(bytes) {
      await turns(5);
      if (++compressed === fails?.at) throw fails.by;
      return compressionGzip.compress(bytes);
    },
  };
}

/** Everything is compressed on the way back, the ends too. */
const compressing = (compression = gzip()): Omit<MountedRoutes, "routes"> => ({
  acceptCompression: [compression],
  compressResponses: true,
  compressMinBytes: 0,
});

async function start(
  way: Way,
  mounted: Omit<MountedRoutes, "routes">,
  impl = greeter(),
  more: StockOptions = {},
) {
  const server = await way.mount.start({ ...mounted, routes: (r) => r.service(GreetService, impl) });
  const end = stockTransport(server.port, way.protocol, way.mount.http, {
    acceptCompression: [compressionGzip],
    ...more,
  });
  const client = createConnectClient(GreetService, end.transport);
  return {
    client,
    async [Symbol.asyncDispose]() {
      end[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

type StockClient = Awaited<ReturnType<typeof start>>["client"];

async function* several(name: string): AsyncGenerator<{ name: string }> {
  for (let i = 0; i < 3; i++) yield { name };
}

/** A call of each kind that a way has, with requests of this name. */
function callsOf(
  way: Way,
  client: StockClient,
  name: string,
  headers: HeadersInit = {},
): (() => Promise<unknown>)[] {
  const calls: (() => Promise<unknown>)[] = [
    () => client.greet({ name }, { headers }),
    () => all(client.greetServerStream({ name }, { headers })),
    () => client.greetClientStream(several(name), { headers }),
  ];
  if (way.mount.http === "2") calls.push(() => all(client.greetStream(several(name), { headers })));
  return calls;
}

/** An internal error as the client sees it, by the id that is in the log. */
const internal = /^internal error \(id (\w{8})\)$/;

describe.each(ways)("$title", (way) => {
  test.each([
    { what: "decompresses to too much", limit: 1000, size: 100_000, compresses: true },
    { what: "is too large as it comes, compressed", limit: 50, size: 100_000, compresses: true },
    { what: "is too large", limit: 1000, size: 10_000, compresses: false },
    { what: "is too large by far, and not read to its end", limit: 1000, size: 1_000_000, compresses: false },
  ])("a request that $what gets its error", async ({ limit, size, compresses }) => {
    await using running = await start(way, { ...compressing(), readMaxBytes: limit }, greeter(), {
      ...(compresses ? { sendCompression: compressionGzip, compressMinBytes: 0 } : {}),
    });
    for (const call of callsOf(way, running.client, "x".repeat(size))) {
      expect((await errorOf(call())).code).toBe(Code.ResourceExhausted);
    }
    // The connection is good for another call.
    expect((await running.client.greet({ name: "" })).greeting).toBe("");
  });

  test("a handler that leaves its requests early gets its answer through", async () => {
    const early: TripleServiceImpl<typeof GreetService> = {
      ...greeter(),
      async greetClientStream(requests) {
        for await (const { name } of requests) return { greeting: name };
        return {};
      },
      async *greetStream(requests) {
        for await (const { name } of requests) {
          yield { greeting: name };
          return;
        }
      },
    };
    await using running = await start(way, compressing(), early);
    const name = "x".repeat(100_000);
    expect((await running.client.greetClientStream(several(name))).greeting).toBe(name);
    // HTTP/1.1 has no bidi streams.
    const bidi = way.mount.http === "2";
    expect(bidi ? await all(running.client.greetStream(several(name))) : [{}]).toHaveLength(1);
  });

  test("a deadline that passes is told by the server, in every kind", async () => {
    const waiting: TripleServiceImpl<typeof GreetService> = {
      greet: forEver,
      greetClientStream: forEver,
      async *greetServerStream() {
        yield {};
        await forEver();
      },
      async *greetStream() {
        yield {};
        await forEver();
      },
    };
    await using running = await start(way, compressing(), waiting);
    // Set past the client, which would count by itself.
    const headers = { "grpc-timeout": "50m", "connect-timeout-ms": "50" };
    for (const call of callsOf(way, running.client, "a", headers)) {
      expect(await errorOf(call())).toMatchObject({
        code: Code.DeadlineExceeded,
        rawMessage: expect.stringMatching(/^the deadline of 50 ms that the client sent .* passed in greet/),
      });
    }
  });

  test.each([1, 2, 3, 4])(
    "a compression that fails at its message %d is the call's error, and logged with its id",
    async (at) => {
      for (let kind = 0; kind < (way.mount.http === "2" ? 4 : 3); kind++) {
        const logged: string[] = [];
        const logger: Logger = { ...quiet, error: (message) => void logged.push(message) };
        const mounted = { ...compressing(gzip({ at, by: new Error("no memory") })), logger };
        await using running = await start(way, mounted);
        const outcome = await callsOf(way, running.client, "a")[kind]!().catch((error: unknown) => error);
        // An answer of fewer messages is whole.
        const failed = outcome instanceof Error;
        expect(failed).toBe(logged.length > 0);
        const { code, rawMessage } = ConnectError.from(outcome);
        const line = new RegExp(
          `^internal error \\(id ${internal.exec(rawMessage)?.[1]}\\) in greet.*: Error: no memory`,
        );
        expect([failed ? code : null, logged]).toEqual(
          failed ? [Code.Internal, [expect.stringMatching(line)]] : [null, []],
        );
      }
    },
  );

  test("a ConnectError of a compression is the call's error as it is", async () => {
    const by = new ConnectError("mine", Code.Aborted);
    await using running = await start(way, compressing(gzip({ at: 1, by })));
    for (const call of callsOf(way, running.client, "a").slice(0, 1))
      expect(await errorOf(call())).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
  });

  test("a client that leaves while an answer is compressed ends its handler", async () => {
    const begun = happening();
    const left = happening();
    const never: typeof compressionGzip = {
      ...compressionGzip,
      compress() {
        begun.tell();
        return forEver();
      },
    };
    await using running = await start(way, compressing(never), {
      ...greeter(),
      async *greetServerStream(_request, { signal }) {
        signal.addEventListener("abort", () => left.tell());
        yield {};
      },
    });
    const controller = new AbortController();
    const call = errorOf(all(running.client.greetServerStream({}, { signal: controller.signal })));
    await begun;
    controller.abort();
    expect((await call).code).toBe(Code.Canceled);
    await left;
  });
});

describe.each(over("1.1"))("$title, a unary call in JSON", (mount) => {
  test("whose answer can't be compressed gets the error in JSON", async () => {
    await using server = await mount.start({
      ...compressing(gzip({ at: 1, by: new ConnectError("mine", Code.Aborted) })),
      routes: (r) => r.service(GreetService, greeter()),
    });
    const { answer } = callHttp1(
      server.port,
      "/greet.GreetService/Greet",
      { "content-type": "application/json", "accept-encoding": "gzip" },
      Buffer.from('{"name":"a"}'),
    );
    const { status, header, body } = await answer;
    expect([status, header["content-encoding"]]).toEqual([409, undefined]);
    expect(JSON.parse(body.toString())).toEqual({ code: "aborted", message: "mine" });
  });
});
