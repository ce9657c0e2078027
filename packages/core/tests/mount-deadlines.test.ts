// SPDX-License-Identifier: Apache-2.0
// Deadlines that a mount keeps by itself: against raw clients, which set one and then neither cancel nor count.
import { Code, type Interceptor, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { forEver, happening } from "./events.js";
import { type MountedRoutes, over } from "./mounts.js";
import { envelope, RawClient } from "./raw-client.js";
import { callHttp1 } from "./raw-http1.js";

const methods = ["Greet", "GreetServerStream", "GreetClientStream", "GreetStream"] as const;
type Method = (typeof methods)[number];

const timeoutMs = 60;
/** For what is about a handler that runs: a busy machine has to begin it before its deadline. */
const longerMs = 250;
const empty = new Uint8Array();

/** Handlers that don't look at their signal. */
const ignoresSignal: TripleServiceImpl<typeof GreetService> = {
  greet: forEver,
  greetClientStream: forEver,
  async *greetServerStream() {
    yield {};
    await forEver();
  },
  async *greetStream(requests) {
    for await (const _ of requests);
    await forEver();
    yield {};
  },
};

const deafInterceptor: Interceptor = () => forEver;

const deafRoutes: readonly { title: string; mounted: MountedRoutes }[] = [
  {
    title: "a handler that ignores its signal",
    mounted: { routes: (r) => r.service(GreetService, ignoresSignal) },
  },
  {
    title: "an interceptor that ignores its signal",
    mounted: { routes: (r) => r.service(GreetService, {}), interceptors: [deafInterceptor] },
  },
];

/** Handlers that wait at a read, and at a `yield`, and tell how that ended. */
function ending() {
  const read = happening<unknown>();
  const cleanup = happening();
  const routes: MountedRoutes["routes"] = (r) =>
    r.service(GreetService, {
      async greetClientStream(requests) {
        try {
          for await (const _ of requests);
        } catch (error) {
          read.tell(error);
        }
        return {};
      },
      async *greetServerStream() {
        try {
          for (;;) yield { greeting: "x".repeat(50_000) };
        } finally {
          cleanup.tell();
        }
      },
    });
  return { read, cleanup, routes };
}

/** An error in the Connect protocol: the whole body of a unary call, the last envelope of a stream. */
function connectError(method: Method, body: Buffer): unknown {
  if (method === "Greet") return JSON.parse(body.toString());
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    if (body[at] === 2) return JSON.parse(body.subarray(at + 5, end).toString()).error;
    at = end;
  }
  return undefined;
}

async function grpcOutcome(port: number, method: Method, body: Uint8Array, open: boolean, timeout: string) {
  const client = new RawClient(port);
  const path = `/greet.GreetService/${method}`;
  const { header, trailer } = await client.call(path, { "grpc-timeout": timeout }, body, open);
  await client.close();
  const status = { ...header, ...trailer };
  return { code: Number(status["grpc-status"]), message: decodeURIComponent(String(status["grpc-message"])) };
}

async function connectOutcome(
  port: number,
  method: Method,
  body: Uint8Array,
  open: boolean,
  timeout: string,
) {
  const type = method === "Greet" ? "application/proto" : "application/connect+proto";
  const headers = { "content-type": type, "connect-timeout-ms": timeout };
  const { answer } = callHttp1(port, `/greet.GreetService/${method}`, headers, body, open);
  return connectError(method, (await answer).body);
}

describe.each(over("2"))("$title, against a client of gRPC that never cancels", (mount) => {
  describe.each(deafRoutes)("$title", ({ mounted }) => {
    test.each(methods)("%s ends at its deadline", async (method) => {
      await using server = await mount.start(mounted);
      const open = method === "GreetStream" || method === "GreetClientStream";
      const outcome = await grpcOutcome(server.port, method, envelope(empty), open, `${timeoutMs}m`);
      expect(outcome).toEqual({
        code: Code.DeadlineExceeded,
        message: `the deadline of ${timeoutMs} ms that the client sent (the rest of its timeoutMs) passed in greet.GreetService/${method}, at the server; raise timeoutMs if that is too short`,
      });
    });
  });

  test.each(methods)("%s ends at its deadline when no message has come", async (method) => {
    await using server = await mount.start({ routes: (r) => r.service(GreetService, ignoresSignal) });
    const outcome = await grpcOutcome(server.port, method, empty, true, `${timeoutMs}m`);
    expect(outcome.code).toBe(Code.DeadlineExceeded);
  });

  test("a pending read rejects with it", async () => {
    const { read, routes } = ending();
    await using server = await mount.start({ routes });
    const body = envelope(empty);
    const outcome = await grpcOutcome(server.port, "GreetClientStream", body, true, `${longerMs}m`);
    expect(outcome.code).toBe(Code.DeadlineExceeded);
    expect(await read).toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("a generator that is blocked at a yield ends, and a late reader sees no good end", async () => {
    const { cleanup, routes } = ending();
    await using server = await mount.start({ routes });
    const client = new RawClient(server.port);
    const path = "/greet.GreetService/GreetServerStream";
    const headers = { "grpc-timeout": `${longerMs}m` };
    const answer = client.call(path, headers, envelope(empty), false, cleanup);
    await cleanup;
    expect((await answer).trailer["grpc-status"]).toBe(String(Code.DeadlineExceeded));
    await client.close();
  });

  test.each([
    ["0m", Code.DeadlineExceeded],
    ["1n", Code.DeadlineExceeded],
    ["99999999m", 0],
    ["99999999M", 0],
    ["99999999H", 0],
    ["1x", Code.InvalidArgument],
    ["", Code.InvalidArgument],
  ])("grpc-timeout %j gives status %d", async (timeout, code) => {
    await using server = await mount.start({
      routes: (r) =>
        r.service(GreetService, { greet: () => (code === Code.DeadlineExceeded ? forEver() : {}) }),
    });
    const outcome = await grpcOutcome(server.port, "Greet", envelope(empty), false, timeout);
    expect(outcome.code).toBe(code);
  });

  test("a longer one than maxTimeoutMs is refused", async () => {
    await using server = await mount.start({
      maxTimeoutMs: 1000,
      routes: (r) => r.service(GreetService, { greet: () => ({}) }),
    });
    const outcome = (timeout: string) => grpcOutcome(server.port, "Greet", envelope(empty), false, timeout);
    expect((await outcome("1001m")).code).toBe(Code.InvalidArgument);
    expect((await outcome("1000m")).code).toBe(0);
  });
});

describe.each(over("1.1"))("$title, against a client of Connect that never cancels", (mount) => {
  const kinds = methods.filter((method) => method !== "GreetStream");

  describe.each(deafRoutes)("$title", ({ mounted }) => {
    test.each(kinds)("%s ends at its deadline", async (method) => {
      await using server = await mount.start(mounted);
      const body = method === "Greet" ? empty : envelope(empty);
      const open = method === "GreetClientStream";
      expect(await connectOutcome(server.port, method, body, open, `${timeoutMs}`)).toEqual({
        code: "deadline_exceeded",
        message: `the deadline of ${timeoutMs} ms that the client sent (the rest of its timeoutMs) passed in greet.GreetService/${method}, at the server; raise timeoutMs if that is too short`,
      });
    });
  });

  test.each(kinds)("%s ends at its deadline when no message has come", async (method) => {
    await using server = await mount.start({ routes: (r) => r.service(GreetService, ignoresSignal) });
    expect(await connectOutcome(server.port, method, empty, true, `${timeoutMs}`)).toMatchObject({
      code: "deadline_exceeded",
    });
  });

  test("a pending read rejects with it", async () => {
    const { read, routes } = ending();
    await using server = await mount.start({ routes });
    const body = envelope(empty);
    const error = await connectOutcome(server.port, "GreetClientStream", body, true, `${longerMs}`);
    expect(error).toMatchObject({ code: "deadline_exceeded" });
    expect(await read).toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("a generator that is blocked at a yield ends, and a late reader sees no good end", async () => {
    const { cleanup, routes } = ending();
    await using server = await mount.start({ routes });
    const path = "/greet.GreetService/GreetServerStream";
    const headers = { "content-type": "application/connect+proto", "connect-timeout-ms": `${longerMs}` };
    const { answer } = callHttp1(server.port, path, headers, envelope(empty), false, cleanup);
    await cleanup;
    expect(connectError("GreetServerStream", (await answer).body)).toMatchObject({
      code: "deadline_exceeded",
    });
  });

  test("one of 4,294,967,295 ms does not fire at once", async () => {
    await using server = await mount.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream(_request, context) {
            yield { greeting: String(context.timeoutMs()! > 1_000_000_000) };
          },
        }),
    });
    const headers = { "content-type": "application/connect+json", "connect-timeout-ms": "4294967295" };
    const body = envelope(new TextEncoder().encode("{}"));
    const call = callHttp1(server.port, "/greet.GreetService/GreetServerStream", headers, body);
    expect((await call.answer).body.toString()).toContain('{"greeting":"true"}');
  });
});
