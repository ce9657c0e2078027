// SPDX-License-Identifier: Apache-2.0
// Where a mount differs from the engine: what docs/mounts.md says that it can't give, and whose options hold.
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import {
  type CallOptions,
  createClient as createConnectClient,
  createContextKey,
  createContextValues,
} from "@connectrpc/connect";
import { compressionGzip, connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import { Code, ConnectError, type Interceptor, type Logger, mount as mountRoutes } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, forEver, happening, turns, until } from "./events.js";
import { greeter } from "./greeter.js";
import { mounts, stockTransport, ways } from "./mounts.js";
import { envelope, RawClient } from "./raw-client.js";
import { callHttp1 } from "./raw-http1.js";

async function* one(name: string): AsyncGenerator<{ name: string }> {
  yield { name };
}

describe.each(mounts)("$title", (mount) => {
  const protocol = mount.http === "2" ? "gRPC" : "Connect";

  test("sendHeaders() sends nothing: headers go with the first message", async () => {
    await using server = await mount.start({
      routes: (router) =>
        router.service(GreetService, {
          async *greetServerStream(_request, context) {
            context.sendHeaders();
            context.responseHeader.set("x-late", "1");
            yield {};
          },
        }),
    });
    using end = stockTransport(server.port, protocol, mount.http);
    let late: string | null = null;
    const options: CallOptions = {
      onHeader(header) {
        late = header.get("x-late");
      },
    };
    await all(createConnectClient(GreetService, end.transport).greetServerStream({}, options));
    expect(late).toBe("1");
  });

  test.each([true, false])(
    "how a request came isn't told, and no message's compression is chosen, with compressResponses: %p",
    async (compressResponses) => {
      const threw: unknown[] = [];
      await using server = await mount.start({
        acceptCompression: [compressionGzip],
        compressResponses,
        routes: (router) =>
          router.service(GreetService, {
            greet(_request, context) {
              for (const chosen of [undefined, false, true]) {
                try {
                  context.compress = chosen;
                } catch (error) {
                  threw.push((error as ConnectError).rawMessage);
                }
              }
              return { greeting: `${context.requestCompressed} ${context.compress}` };
            },
          }),
      });
      using end = stockTransport(server.port, protocol, mount.http);
      const { greeting } = await createConnectClient(GreetService, end.transport).greet({});
      expect(greeting).toBe(`undefined ${compressResponses ? undefined : false}`);
      expect(threw).toEqual(
        (compressResponses ? [false, true] : [true]).map(
          (chosen) =>
            `context.compress of greet.GreetService/Greet can't be ${chosen} under an adapter of Connect's: there, compressResponses and compressMinBytes decide`,
        ),
      );
    },
  );

  test("the peer is unknown, and what the adapter knows of it comes by its contextValues", async () => {
    const address = createContextKey("");
    await using server = await mount.start({
      adapter: { contextValues: (req) => createContextValues().set(address, req.socket.remoteAddress ?? "") },
      routes: (router) =>
        router.service(GreetService, {
          greet: (_request, { peer, values }) => ({
            greeting: `${peer.address} ${peer.transport} ${values.get(address)}`,
          }),
        }),
    });
    using end = stockTransport(server.port, protocol, mount.http);
    const { greeting } = await createConnectClient(GreetService, end.transport).greet({});
    expect(greeting).toBe("unknown tcp 127.0.0.1");
  });

  test("the mount's interceptors and limits hold, outermost first, and not the adapter's", async () => {
    const seen: string[] = [];
    const noting =
      (name: string): Interceptor =>
      (next) =>
      (req) => {
        seen.push(name);
        return next(req);
      };
    await using server = await mount.start({
      adapter: { interceptors: [noting("adapter")], readMaxBytes: 1 } as never,
      interceptors: [noting("a"), noting("b")],
      readMaxBytes: 100,
      routes: (router) => {
        router.service(GreetService, greeter());
        router.service(GreetService, greeter(), {
          group: "own",
          interceptors: [noting("c")],
          readMaxBytes: 10,
        });
      },
    });
    using end = stockTransport(server.port, protocol, mount.http);
    const client = createConnectClient(GreetService, end.transport);
    const own = { headers: { "tri-service-group": "own" } };
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
    expect((await client.greet({ name: "a" }, own)).greeting).toBe("a");
    expect(seen).toEqual(["a", "b", "c"]);
    expect((await errorOf(client.greet({ name: "x".repeat(100) }))).code).toBe(Code.ResourceExhausted);
    expect((await errorOf(client.greet({ name: "x".repeat(50) }, own))).code).toBe(Code.ResourceExhausted);
  });

  test("messages are limited to 4 MiB by default", async () => {
    await using server = await mount.start({ routes: (router) => router.service(GreetService, greeter()) });
    using end = stockTransport(server.port, protocol, mount.http);
    const client = createConnectClient(GreetService, end.transport);
    const error = await errorOf(client.greet({ name: "x".repeat(4_194_304) }));
    expect(error.code).toBe(Code.ResourceExhausted);
  });

  test("compression is the mount's: none by default, of requests, of responses when that is asked for", async () => {
    const baseUrlOf = (port: number) => `http://127.0.0.1:${port}`;
    const long = "compress me, ".repeat(1000);
    const seen: (string | null)[] = [];
    const call = async (options: object, compress: boolean): Promise<string> => {
      await using server = await mount.start({
        ...options,
        routes: (router) => router.service(GreetService, greeter()),
      });
      const transport = createConnectTransport({
        baseUrl: baseUrlOf(server.port),
        httpVersion: mount.http,
        acceptCompression: [compressionGzip],
        ...(compress ? { sendCompression: compressionGzip } : {}),
      });
      const onHeader = (header: Headers): void => void seen.push(header.get("content-encoding"));
      return (await createConnectClient(GreetService, transport).greet({ name: long }, { onHeader }))
        .greeting;
    };
    const acceptCompression = [compressionGzip];
    expect(await call({}, false)).toBe(long);
    expect((await errorOf(call({}, true))).code).toBe(Code.Unimplemented);
    expect(await call({ acceptCompression }, true)).toBe(long);
    expect(await call({ acceptCompression, compressResponses: true }, true)).toBe(long);
    expect(seen).toEqual([null, null, "gzip"]);
  });

  test("a compressed request for a group that nobody serves is told so", async () => {
    await using server = await mount.start({
      acceptCompression: [compressionGzip],
      routes: (router) => router.service(GreetService, greeter(), { group: "g" }),
    });
    const transport = createConnectTransport({
      baseUrl: `http://127.0.0.1:${server.port}`,
      httpVersion: mount.http,
      sendCompression: compressionGzip,
    });
    const client = createConnectClient(GreetService, transport);
    const error = await errorOf(client.greet({ name: "x".repeat(5000) }));
    expect(error.rawMessage).toContain('offered is group "g", no version');
  });

  test("a path has to be exact, and its miss offers nothing", async () => {
    await using server = await mount.start({ routes: (router) => router.service(GreetService, greeter()) });
    const path = "/greet.GreetService/greet";
    const overHttp2 = async (): Promise<unknown> => {
      const client = new RawClient(server.port);
      const { header } = await client.call(path, {}, envelope(new Uint8Array()));
      await client.close();
      return header[":status"];
    };
    const overHttp1 = async (): Promise<unknown> => {
      const headers = { "content-type": "application/proto" };
      return (await callHttp1(server.port, path, headers, new Uint8Array()).answer).status;
    };
    expect(await (mount.http === "2" ? overHttp2() : overHttp1())).toBe(404);
  });

  test("an answer that can't be serialised is told to the client by Connect, and not to the log", async () => {
    const lines: string[] = [];
    const keep = (line: string): void => void lines.push(line);
    const logger: Logger = { error: keep, warn: keep, info: keep, debug: keep };
    await using server = await mount.start({
      logger,
      routes: (router) =>
        router.service(GreetService, { greet: () => ({ greeting: Symbol("s") as unknown as string }) }),
    });
    using end = stockTransport(server.port, protocol, mount.http);
    const error = await errorOf(createConnectClient(GreetService, end.transport).greet({}));
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toContain("serialize binary");
    expect(lines).toEqual([]);
  });

  test("any iterable is an answer", async () => {
    await using server = await mount.start({
      routes: (router) =>
        router.service(GreetService, {
          greetServerStream: () => [{ greeting: "a" }, { greeting: "b" }] as never,
        }),
    });
    using end = stockTransport(server.port, protocol, mount.http);
    const answers = await all(createConnectClient(GreetService, end.transport).greetServerStream({}));
    expect(answers.map(({ greeting }) => greeting)).toEqual(["a", "b"]);
  });
});

test.each(ways)("an upload waits for its reader: $title", async ({ mount, protocol }) => {
  const begun = happening();
  const goOn = happening();
  await using server = await mount.start({
    routes: (router) =>
      router.service(GreetService, {
        async greetClientStream(requests) {
          let count = 0;
          for await (const _ of requests) {
            count++;
            begun.tell();
            await goOn;
          }
          return { greeting: `${count}` };
        },
      }),
  });
  using end = stockTransport(server.port, protocol, mount.http);
  let sent = 0;
  let enough = false;
  const names = async function* () {
    while (!enough) {
      sent++;
      yield { name: "x".repeat(50_000) };
    }
  };
  const answer = createConnectClient(GreetService, end.transport).greetClientStream(names());
  await begun;
  for (let last = -1; last !== sent; await turns(50)) last = sent;
  // Windows, and the socket's own buffers over HTTP/1.1.
  expect(sent).toBeLessThan(mount.http === "2" ? 20 : 400);
  enough = true;
  goOn.tell();
  expect((await answer).greeting).toBe(`${sent}`);
});

test.each(mounts.filter(({ title }) => !title.startsWith("connect-fastify")))(
  "the adapter's path prefix holds: $title",
  async (mount) => {
    await using server = await mount.start({
      adapter: { requestPathPrefix: "/api" },
      routes: (router) => router.service(GreetService, greeter()),
    });
    const transport = createConnectTransport({
      baseUrl: `http://127.0.0.1:${server.port}/api`,
      httpVersion: mount.http,
    });
    expect((await createConnectClient(GreetService, transport).greet({ name: "a" })).greeting).toBe("a");
  },
);

test.each(ways.filter(({ mount }) => mount.http === "1.1"))(
  "a bidi stream is refused, and its handler not called: $title",
  async ({ mount, protocol }) => {
    let called = false;
    await using server = await mount.start({
      routes: (router) =>
        router.service(GreetService, {
          async *greetStream() {
            called = true;
            yield {};
          },
        }),
    });
    using end = stockTransport(server.port, protocol, mount.http);
    const call = all(createConnectClient(GreetService, end.transport).greetStream(one("a")));
    await expect(call).rejects.toBeInstanceOf(ConnectError);
    expect(called).toBe(false);
  },
);

test("a server that ends first leaves the HTTP/2 stream of a stock client half open", async () => {
  let opened = 0;
  let closed = 0;
  const http2 = createHttp2Server(
    connectNodeAdapter({
      routes: mountRoutes((router) =>
        router.service(GreetService, {
          async greetClientStream(requests) {
            for await (const { name } of requests) return { greeting: `enough: ${name}` };
            return {};
          },
          greet: () => ({}),
        }),
      ),
    }),
  );
  http2.on("stream", (stream: ServerHttp2Stream) => {
    opened++;
    stream.once("close", () => closed++);
  });
  await new Promise<void>((resolve) => http2.listen(0, "127.0.0.1", resolve));
  const end = stockTransport((http2.address() as AddressInfo).port, "gRPC", "2");
  const client = createConnectClient(GreetService, end.transport);
  const open = async function* () {
    yield { name: "a" };
    await forEver();
  };
  expect((await client.greetClientStream(open())).greeting).toBe("enough: a");
  // A whole call later it is still there; only the end of the connection frees it.
  await client.greet({});
  await until(() => closed === 1);
  expect(opened).toBe(2);
  end[Symbol.dispose]();
  await until(() => closed === 2);
  await new Promise((resolve) => http2.close(resolve));
});
