// SPDX-License-Identifier: Apache-2.0
// Connect's unary calls of the engine beside stock connect-node, over HTTP/2 on loopback: our server for its client, its server for ours.
// Mutant: core/src/server/routing/request-head.ts # if (dialect.framing === "bare" && found.desc.methodKind !== "unary") { => if (false) {
// Mutant: core/src/dialects/connect/unary.ts # fields.push(connectVersion, protocolVersion);
// Mutant: core/src/dialects/connect/unary.ts # String(connectProtocol.codeToHttpStatus(error.code)) => "200"
// Mutant: core/src/dialects/connect/unary.ts # if (name.startsWith(trailerPrefix)) => if (false)
// Mutant: core/src/dialects/connect/unary.ts # fields.push(names.connectTimeout, formatTimeout(timeoutMs)); => fields.push(names.connectTimeout, "x");
import { connect, createServer as createHttp2Server, type IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createClient as createStockClient,
} from "@connectrpc/connect";
import { compressionGzip, connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import { createClient, type ServerOptions, systemClock, type TransportOptions } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Connection } from "@tristream/http2";
import { createTransportOf } from "../../core/src/client/transport/create-transport.js";
import { connectUnary } from "../../core/src/dialects/connect/unary.js";
import { serveBoth } from "../../core/tests/connect-unary.js";
import { errorOf, until } from "../../core/tests/events.js";
import { SocketConnector } from "../src/socket-connector.js";
import { SocketLink } from "../src/socket-link.js";

interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Our server of both dialects, on loopback. */
async function serveOurs(options: ServerOptions): Promise<Listening> {
  const server = serveBoth(options);
  const listener = createTcpServer((socket) => {
    const peer = { address: "client", transport: "tcp" } as const;
    server.accept(new Connection("server", new SocketLink(socket, peer, systemClock)));
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await server.shutdown({ graceMs: 0 });
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** A stock server of connect-node. */
async function serveStock(
  routes: (router: ConnectRouter) => void,
  seen: IncomingHttpHeaders[] = [],
): Promise<Listening> {
  const handle = connectNodeAdapter({ routes, requireConnectProtocolHeader: true, compressMinBytes: 100 });
  const sockets = new Set<Socket>();
  const server = createHttp2Server((req, res) => {
    seen.push(req.headers);
    handle(req, res);
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function ourTransport(port: number, options: TransportOptions = {}) {
  const connector = new SocketConnector(`tri://127.0.0.1:${port}`, {}, systemClock);
  return createTransportOf(connector, options, connectUnary);
}

const details = [{ desc: GreetRequestSchema, value: { name: "detail" } }];

describe.each([
  { format: "proto", useJson: false },
  { format: "JSON", useJson: true },
])("in $format, connect-node's client of our server", ({ useJson }) => {
  const stock = (port: number) =>
    createStockClient(
      GreetService,
      createConnectTransport({
        httpVersion: "2",
        baseUrl: `http://127.0.0.1:${port}`,
        useBinaryFormat: !useJson,
        acceptCompression: [compressionGzip],
        sendCompression: compressionGzip,
        compressMinBytes: 100,
      }),
    );

  test("gets answers, headers and trailers, compressed or not", async () => {
    const compressed: (boolean | undefined)[] = [];
    await using server = await serveOurs({
      acceptCompression: [compressionGzip],
      compressResponses: true,
      compressMinBytes: 100,
      routes: (r) =>
        r.service(GreetService, {
          greet({ name }, context) {
            compressed.push(context.requestCompressed);
            context.responseHeader.set("x-header", "h");
            context.responseTrailer.set("x-trailer", "t");
            return { greeting: name };
          },
        }),
    });
    const client = stock(server.port);
    for (const name of ["", "ada", "a".repeat(200_000)]) {
      const got: Headers[] = [];
      const answer = await client.greet(
        { name },
        { onHeader: (header) => got.push(header), onTrailer: (trailer) => got.push(trailer) },
      );
      expect(answer.greeting).toBe(name);
      expect(got.map((headers) => [headers.get("x-header"), headers.get("x-trailer")])).toEqual([
        ["h", null],
        [null, "t"],
      ]);
      expect(got[0]?.get("content-encoding")).toBe(name.length > 100 ? "gzip" : null);
    }
    expect(compressed).toEqual([false, false, true]);
  });

  test("gets the code, text, details and metadata of each error", async () => {
    await using server = await serveOurs({
      routes: (r) =>
        r.service(GreetService, {
          greet({ name }, context) {
            context.responseTrailer.set("x-trailer", "t");
            throw new ConnectError(`nö ${name}`, Number(name), { "x-error": "e" }, details);
          },
        }),
    });
    const client = stock(server.port);
    for (let code = Code.Canceled; code <= Code.Unauthenticated; code++) {
      const error = await errorOf(client.greet({ name: String(code) }));
      expect(error).toMatchObject({ code, rawMessage: `nö ${code}` });
      expect(error.findDetails(GreetRequestSchema).map((detail) => detail.name)).toEqual(["detail"]);
      expect([error.metadata.get("x-error"), error.metadata.get("x-trailer")]).toEqual(["e", "t"]);
    }
  });

  test("passes its deadline on, and a cancel fires the handler's signal", async () => {
    const reasons: unknown[] = [];
    const controller = new AbortController();
    await using server = await serveOurs({
      routes: (r) =>
        r.service(GreetService, {
          greet({ name }, context) {
            if (name === "left") return { greeting: String(context.timeoutMs()) };
            return new Promise((_resolve, reject) => {
              context.signal.addEventListener("abort", () => {
                reasons.push((context.signal.reason as ConnectError).code);
                reject(context.signal.reason);
              });
              controller.abort();
            });
          },
        }),
    });
    const client = stock(server.port);
    const left = Number((await client.greet({ name: "left" }, { timeoutMs: 60_000 })).greeting);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(60_000);
    expect((await errorOf(client.greet({}, { signal: controller.signal }))).code).toBe(Code.Canceled);
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([Code.Canceled]);
  });

  test("hears of an unknown method", async () => {
    await using server = await serveOurs({ routes: () => {} });
    const error = await errorOf(stock(server.port).greet({}));
    expect(error.code).toBe(Code.Unimplemented);
    expect(error.rawMessage).toContain('unknown service "greet.GreetService"');
  });
});

describe.each([
  { format: "proto", useJson: false },
  { format: "JSON", useJson: true },
])("in $format, our client of connect-node's server", ({ useJson }) => {
  test("gets answers, headers and trailers, compressed or not", async () => {
    const seen: IncomingHttpHeaders[] = [];
    await using server = await serveStock(
      (r) =>
        r.service(GreetService, {
          greet({ name }, context) {
            context.responseHeader.set("x-header", "h");
            context.responseTrailer.set("x-trailer", "t");
            return { greeting: name };
          },
        }),
      seen,
    );
    await using transport = ourTransport(server.port, {
      useJson,
      acceptCompression: [compressionGzip],
      sendCompression: compressionGzip,
      compressMinBytes: 100,
    });
    const client = createClient(GreetService, transport);
    for (const name of ["", "ada", "a".repeat(200_000)]) {
      const got: Headers[] = [];
      const answer = await client.greet(
        { name },
        { onHeader: (header) => got.push(header), onTrailer: (trailer) => got.push(trailer) },
      );
      expect(answer.greeting).toBe(name);
      expect(got.map((headers) => [headers.get("x-header"), headers.get("x-trailer")])).toEqual([
        ["h", null],
        [null, "t"],
      ]);
      expect(got[0]?.get("content-encoding") ?? null).toBe(name.length > 100 ? "gzip" : null);
    }
    expect(seen.map((headers) => headers["content-encoding"])).toEqual([undefined, undefined, "gzip"]);
    expect(seen[0]).toMatchObject({
      ":method": "POST",
      ":path": "/greet.GreetService/Greet",
      "content-type": useJson ? "application/json" : "application/proto",
      "connect-protocol-version": "1",
    });
  });

  test("gets the code, text, details and metadata of each error", async () => {
    await using server = await serveStock((r) =>
      r.service(GreetService, {
        greet({ name }, context) {
          context.responseTrailer.set("x-trailer", "t");
          throw new ConnectError(`nö ${name}`, Number(name), { "x-error": "e" }, details);
        },
      }),
    );
    await using transport = ourTransport(server.port, { useJson, acceptCompression: [compressionGzip] });
    const client = createClient(GreetService, transport);
    for (let code = Code.Canceled; code <= Code.Unauthenticated; code++) {
      const error = await errorOf(client.greet({ name: String(code) }));
      expect(error).toMatchObject({ code, rawMessage: `nö ${code}` });
      expect(error.findDetails(GreetRequestSchema).map((detail) => detail.name)).toEqual(["detail"]);
      expect([error.metadata.get("x-error"), error.metadata.get("x-trailer")]).toEqual(["e", "t"]);
    }
  });

  test("passes its deadline on, and a cancel reaches the handler", async () => {
    let aborted = false;
    const controller = new AbortController();
    await using server = await serveStock((r) =>
      r.service(GreetService, {
        greet({ name }, context) {
          if (name === "left") return { greeting: String(context.timeoutMs()) };
          return new Promise((_resolve, reject) => {
            context.signal.addEventListener("abort", () => {
              aborted = true;
              reject(context.signal.reason);
            });
            controller.abort();
          });
        },
      }),
    );
    await using transport = ourTransport(server.port, { useJson });
    const client = createClient(GreetService, transport);
    const left = Number((await client.greet({ name: "left" }, { timeoutMs: 60_000 })).greeting);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(60_000);
    expect((await errorOf(client.greet({}, { signal: controller.signal }))).code).toBe(Code.Canceled);
    await until(() => aborted);
  });

  test("hears of a path that the server does not have", async () => {
    await using server = await serveStock(() => {});
    await using transport = ourTransport(server.port, { useJson });
    const error = await errorOf(createClient(GreetService, transport).greet({}));
    expect(error.code).toBe(Code.Unimplemented);
    expect(error.rawMessage).toBe(
      `127.0.0.1:${server.port} answered HTTP 404 without an error of Connect's: check the address, and any proxy before it`,
    );
  });
});

/** Sends a body over an HTTP/2 client of Node's own. */
async function post(port: number, headers: Record<string, string>, body: string) {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/greet.GreetService/Greet",
    "content-type": "application/json",
    ...headers,
  });
  let header: IncomingHttpHeaders = {};
  let text = "";
  stream.setEncoding("utf8");
  stream.on("response", (given) => {
    header = given;
  });
  stream.on("data", (chunk: string) => {
    text += chunk;
  });
  stream.end(body);
  await new Promise((resolve) => stream.on("close", resolve));
  session.destroy();
  return { status: header[":status"], type: header["content-type"], text };
}

test("a plain POST of JSON gets JSON, or an error as JSON with its HTTP status", async () => {
  await using server = await serveOurs({
    routes: (r) =>
      r.service(GreetService, {
        greet({ name }) {
          if (name === "") throw new ConnectError("who?", Code.NotFound);
          return { greeting: name };
        },
        async *greetServerStream() {},
      }),
  });
  const type = "application/json";
  expect(await post(server.port, {}, '{"name":"triple"}')).toEqual({
    status: 200,
    type,
    text: '{"greeting":"triple"}',
  });
  expect(await post(server.port, {}, "{}")).toEqual({
    status: 404,
    type,
    text: '{"code":"not_found","message":"who?"}',
  });
  expect(await post(server.port, {}, '{"name":1}')).toMatchObject({ status: 400, type });
  expect(await post(server.port, { "connect-protocol-version": "2" }, "{}")).toEqual({
    status: 400,
    type,
    text: '{"code":"invalid_argument","message":"connect-protocol-version is \\"2\\": \\"1\\" is allowed"}',
  });
  expect(await post(server.port, { "connect-timeout-ms": "1s" }, "{}")).toEqual({
    status: 400,
    type,
    text: '{"code":"invalid_argument","message":"connect-timeout-ms is \\"1s\\": 1 to 10 digits are allowed"}',
  });
  expect(await post(server.port, { "content-encoding": "br" }, "{}")).toMatchObject({ status: 501, type });
  expect(await post(server.port, { ":path": "/greet.GreetService/GreetServerStream" }, "{}")).toMatchObject({
    status: 415,
    text: "/greet.GreetService/GreetServerStream has streams, which application/proto and application/json don't carry\n",
  });
  expect(await post(server.port, { "content-type": "text/xml" }, "{}")).toMatchObject({
    status: 415,
    text: 'content-type "text/xml": application/grpc, application/grpc+proto, application/grpc+json, application/proto or application/json is needed\n',
  });
});
