// SPDX-License-Identifier: Apache-2.0
// A cancelled upload under a mount: what never looks complete, and what a mount can't tell.
import { createClient as createConnectClient } from "@connectrpc/connect";
import { Code, type ConnectError, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { data, join, rst } from "../../http2/tests/frames.js";
import { errorOf, fired, forEver, type Happening, happening } from "./events.js";
import { over, stockTransport, ways } from "./mounts.js";
import { envelope, RawClient } from "./raw-client.js";
import { callHttp1 } from "./raw-http1.js";
import { RawSocket } from "./raw-socket.js";

interface Reading {
  readonly impl: Partial<TripleServiceImpl<typeof GreetService>>;
  readonly got: Happening<void>;
  /** How the handler's loop ended: "complete", or by an error. */
  readonly outcome: Happening<unknown>;
  readonly signal: Happening<unknown>;
}

/** Handlers that read to the end. */
function reading(): Reading {
  const [got, outcome, signal] = [happening(), happening<unknown>(), happening<unknown>()];
  const read = async (requests: AsyncIterable<unknown>, context: { signal: AbortSignal }): Promise<void> => {
    void fired(context.signal).then(signal.tell);
    try {
      for await (const _ of requests) got.tell();
      outcome.tell("complete");
    } catch (error) {
      outcome.tell(error);
      throw error;
    }
  };
  const impl: Reading["impl"] = {
    async greetClientStream(requests, context) {
      await read(requests, context);
      return { greeting: "complete" };
    },
    async *greetStream(requests, context) {
      await read(requests, context);
      yield { greeting: "complete" };
    },
  };
  return { impl, got, outcome, signal };
}

const empty = new Uint8Array();
const canceled = { code: Code.Canceled };
const paths = ["/greet.GreetService/GreetClientStream", "/greet.GreetService/GreetStream"];

describe.each(over("2"))("an upload to $title", (mount) => {
  test.each(paths)("%s: a reset without an end is an error", async (path) => {
    const { impl, got, outcome } = reading();
    await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
    using client = await RawSocket.open(server.port);
    client.call(1, path);
    client.data(1, envelope(empty));
    await got;
    client.reset(1, 8);
    expect(await outcome).toMatchObject(canceled);
  });

  test.each(paths)("%s: an end with the reset behind it, in one read, is an error", async (path) => {
    const { impl, got, outcome } = reading();
    await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
    using client = await RawSocket.open(server.port);
    client.call(1, path);
    client.data(1, envelope(empty));
    await got;
    client.write(join(data(1, empty, { end: true }), rst(1, 8)));
    expect(await outcome).toMatchObject(canceled);
  });

  test.each(paths)("%s: an end in the middle of a message is an error", async (path) => {
    const { impl, outcome } = reading();
    await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
    const client = new RawClient(server.port);
    const whole = envelope(Uint8Array.of(10, 3, 97, 98, 99));
    const { header, trailer } = await client.call(path, {}, whole.subarray(0, 7));
    expect({ ...header, ...trailer }["grpc-status"]).toBe(String(Code.InvalidArgument));
    expect(await outcome).toMatchObject({ code: Code.InvalidArgument });
    await client.close();
  });

  test("an end whose reset comes later looks complete: its signal tells, and nobody gets the answer", async () => {
    const answered = happening<unknown>();
    const { impl, got, signal } = reading();
    await using server = await mount.start({
      routes: (r) =>
        r.service(GreetService, {
          async greetClientStream(requests, context) {
            await impl.greetClientStream?.(requests, context);
            answered.tell("complete");
            await fired(context.signal);
            return {};
          },
        }),
    });
    using client = await RawSocket.open(server.port);
    client.call(1, paths[0]!);
    client.data(1, envelope(empty));
    await got;
    client.data(1, empty, true);
    expect(await answered).toBe("complete");
    client.reset(1, 8);
    expect(await signal).toMatchObject(canceled);
    expect(client.lines.filter((line) => line.startsWith("HEADERS"))).toEqual([]);
  });
});

describe.each(ways)("an upload by $title", ({ mount, protocol }) => {
  // Over HTTP/2, connect-es sends the end of its request before the reset, some turns of its event loop apart.
  const outcomes: unknown[] = [
    expect.objectContaining(canceled),
    ...(mount.http === "2" ? ["complete"] : []),
  ];

  test("that a stock client cancels fires the signal, and gets no answer", async () => {
    const { impl, got, outcome, signal } = reading();
    await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
    using end = stockTransport(server.port, protocol, mount.http);
    const abort = new AbortController();
    const names = async function* () {
      yield { name: "a" };
      await forEver();
    };
    const client = createConnectClient(GreetService, end.transport);
    const call = errorOf(client.greetClientStream(names(), { signal: abort.signal }));
    await got;
    abort.abort();
    expect(await call).toMatchObject(canceled);
    const ended = await outcome;
    expect(outcomes).toContainEqual(ended);
    // Where it looked complete, the call has ended well if its answer was ahead of the reset.
    const reason = (await signal) as ConnectError;
    expect(ended === "complete" || reason.code === Code.Canceled).toBe(true);
  });

  test("whose requests fail at the client is not taken for complete over HTTP/1.1, and ends", async () => {
    const { impl, got, outcome, signal } = reading();
    await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
    using end = stockTransport(server.port, protocol, mount.http);
    const names = async function* () {
      yield { name: "a" };
      await got;
      throw new TypeError("no more");
    };
    const client = createConnectClient(GreetService, end.transport);
    await expect(client.greetClientStream(names())).rejects.toThrow("no more");
    expect(outcomes).toContainEqual(await outcome);
    await signal;
  });
});

test.each(over("1.1"))("a body to $title that is cut between two messages is an error", async (mount) => {
  const { impl, got, outcome } = reading();
  await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
  const headers = { "content-type": "application/connect+proto" };
  const { request } = callHttp1(server.port, paths[0]!, headers, envelope(empty), true);
  await got;
  request.destroy();
  expect(await outcome).toMatchObject(canceled);
});
