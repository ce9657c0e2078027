// SPDX-License-Identifier: Apache-2.0
// A header that comes several times keeps all of its values: -bin names as a line each, or joined by "," as gRPC joins them, set-cookie as
// lines of its own.
// Mutant: core/src/protocol/metadata.ts # for (const one of binaryValues(value)) fields.push(name, one); => fields.push(name, value);
// Mutant: core/src/protocol/metadata.ts # else headers.set(name, `${before},${value}`); => else headers.append(name, value);
// Mutant: core/src/client/api/client-method-caller.ts # replaceHeaders(headers, new CheckedHeaders(second)); => new CheckedHeaders(second).forEach((value, name) => headers.set(name, value));
// Mutant: core/src/server/call/invoke.ts # replaceHeaders(to, from); => from.forEach((value, name) => to.set(name, value));
// Mutant: core/src/client/call/foreign-method.ts # joinBinaryValues(headers);
// Mutant: core/src/mount/sendable-headers.ts # joinBinaryValues(headers);
// Mutant: core/src/protocol/attachments.ts # .at(-1); => .at(0);
import { once } from "node:events";
import { connect, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { decodeBinaryHeader } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  readAttachments,
  readBinaryHeader,
  type Transport,
  type TripleContext,
  type TripleRouter,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { errorOf } from "./events.js";
import { everyLink, socketLinks } from "./every-link.js";
import { mounts, stockTransport } from "./mounts.js";

const [first, second] = [Uint8Array.of(1, 2), Uint8Array.of(3)];

/** Two values of one name, the one padded, the other not. */
function twice(name = "x-bin"): Headers {
  const headers = new Headers([[name, "AQI="]]);
  headers.append(name, "Aw");
  return headers;
}

/** The values of a name in header fields as Node's HTTP/2 gives them: name, value, name, value … */
function linesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === name);
}

/** Calls `Greet` by Node's own HTTP/2, and gives the fields of header and trailer as they came. */
async function rawFields(port: number): Promise<{ header: string[]; trailer: string[] }> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/greet.GreetService/Greet",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  const fields = { header: [] as string[], trailer: [] as string[] };
  stream.on(
    "response",
    (_headers: unknown, _flags: unknown, raw: unknown) => void (fields.header = raw as string[]),
  );
  stream.on("trailers", (...given: unknown[]) => void (fields.trailer = given[2] as string[]));
  stream.resume().end(new Uint8Array(5));
  await once(stream, "close");
  await new Promise<void>((resolve) => session.close(resolve));
  return fields;
}

/** The fields of a request that a call over a transport sends. */
async function sentFields(call: (address: string) => Promise<unknown>): Promise<string[]> {
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => void sessions.push(session));
  const came = once(server, "stream") as Promise<[ServerHttp2Stream, unknown, number, string[]]>;
  await once(server.listen(0, "127.0.0.1"), "listening");
  const called = call(`127.0.0.1:${(server.address() as AddressInfo).port}`).catch(() => {});
  const [stream, , , raw] = await came;
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", "grpc-status": "8" },
    { endStream: true },
  );
  await called;
  await new Promise((resolve) => {
    server.close(resolve);
    for (const session of sessions) session.destroy();
  });
  return raw;
}

/** Puts both kinds of repeated headers into what a handler answers with. */
function answerTwice(context: TripleContext): void {
  for (const headers of [context.responseHeader, context.responseTrailer]) {
    for (const value of ["AQI=", "Aw"]) headers.append("x-bin", value);
    for (const value of ["a=1", "b=2"]) headers.append("set-cookie", value);
  }
}

const routes = (router: TripleRouter): unknown =>
  router.service(GreetService, {
    greet({ name }, context) {
      if (name === "error") throw new ConnectError("no", Code.Aborted, twice());
      answerTwice(context);
      return { greeting: readBinaryHeader(context.requestHeader, "x-bin").map(String).join(" ") };
    },
  });

function expectTwice(headers: Headers): void {
  expect(readBinaryHeader(headers, "x-bin")).toEqual([first, second]);
  expect(headers.get("x-bin")).toBe("AQI=,Aw");
  expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
}

describe("a binary header with two values", () => {
  const client = (transport: Transport) => createClient(GreetService, transport);

  test("is two lines of a request", async () => {
    const raw = await sentFields(async (address) => {
      await using transport = createTransport(`tri://${address}`);
      await client(transport).greet({}, { headers: twice() });
    });
    expect(linesOf(raw, "x-bin")).toEqual(["AQI=", "Aw"]);
  });

  test.each([
    [
      "as an array",
      [
        ["x-bin", "AQI="],
        ["x-bin", "Aw"],
      ] as [string, string][],
    ],
    ["joined with a space", { "x-bin": "AQI=, Aw" }],
    ["joined as gRPC joins them", { "x-bin": "AQI=,Aw" }],
  ])("is two lines when a client has it %s", async (_how, headers) => {
    const raw = await sentFields(async (address) => {
      await using transport = createTransport(`tri://${address}`);
      await createClient(GreetService, transport, { headers }).greet({}, { timeoutMs: 60_000 });
    });
    expect(linesOf(raw, "x-bin")).toEqual(["AQI=", "Aw"]);
  });

  test("is joined without a space over Connect's own transport", async () => {
    const raw = await sentFields((address) =>
      client(createGrpcTransport({ baseUrl: `http://${address}` })).greet({}, { headers: twice() }),
    );
    expect(linesOf(raw, "x-bin")).toEqual(["AQI=,Aw"]);
  });

  test("is two lines of a response's headers and trailers, also of an error", async () => {
    await using end = await socketLinks[0]!.start({ routes });
    const port = Number(new URL((end.server as unknown as { url: string }).url).port);
    const { header, trailer } = await rawFields(port);
    for (const fields of [header, trailer]) {
      expect(linesOf(fields, "x-bin")).toEqual(["AQI=", "Aw"]);
      expect(linesOf(fields, "set-cookie")).toEqual(["a=1", "b=2"]);
    }
  });

  test.each(mounts.filter(({ http }) => http === "2"))(
    "is joined without a space by a mount: $title",
    async (mount) => {
      await using server = await mount.start({ routes });
      const { header, trailer } = await rawFields(server.port);
      for (const fields of [header, trailer]) expect(linesOf(fields, "x-bin")).toEqual(["AQI=,Aw"]);
      using stock = stockTransport(server.port, "gRPC", "2");
      const { greeting } = await client(stock.transport).greet({}, { headers: twice() });
      expect(greeting).toBe("1,2 3");
    },
  );
});

describe.each(everyLink)("over $name", (link) => {
  const kept: Headers[] = [];
  const keep = (headers: Headers): void => void kept.push(headers);
  beforeEach(() => void kept.splice(0));

  test("repeated headers and trailers keep all of their values, also those of an error", async () => {
    await using end = await link.start({ routes });
    const client = createClient(GreetService, end.transport);
    const { greeting } = await client.greet({}, { headers: twice(), onHeader: keep, onTrailer: keep });
    expect(greeting).toBe("1,2 3");
    expect(kept).toHaveLength(2);
    for (const headers of kept) expectTwice(headers);
    const error = await errorOf(client.greet({ name: "error" }));
    expect(readBinaryHeader(error.metadata, "x-bin")).toEqual([first, second]);
  });

  const copies: readonly [string, Interceptor][] = [
    ["the response", (next) => async (req) => ({ ...(await next(req)) }) as never],
    [
      "its header and trailer",
      (next) => async (req) => {
        const res = await next(req);
        return { ...res, header: new Headers(res.header), trailer: new Headers(res.trailer) } as never;
      },
    ],
    [
      "them as an array",
      (next) => async (req) => {
        const res = await next(req);
        return {
          ...res,
          header: new Headers([...res.header]),
          trailer: new Headers([...res.trailer]),
        } as never;
      },
    ],
  ];

  test.each(copies)("an interceptor that copies %s, on either side, loses no value", async (_what, copy) => {
    await using end = await link.start({ routes, interceptors: [copy], transport: { interceptors: [copy] } });
    const client = createClient(GreetService, end.transport, { interceptors: [copy] });
    await client.greet({}, { headers: twice(), onHeader: keep, onTrailer: keep });
    expect(kept).toHaveLength(2);
    for (const headers of kept) expectTwice(headers);
  });

  test("a copied request header keeps its values", async () => {
    const copy: Interceptor = (next) => (req) => next({ ...req, header: new Headers(req.header) } as never);
    const seen: Headers[] = [];
    await using end = await link.start({
      interceptors: [copyOnServer],
      routes: (router) =>
        router.service(GreetService, {
          greet(_request, context) {
            seen.push(context.requestHeader);
            return {};
          },
        }),
    });
    const cookies = twice();
    for (const value of ["a=1", "b=2"]) cookies.append("set-cookie", value);
    await createClient(GreetService, end.transport, { interceptors: [copy] }).greet({}, { headers: cookies });
    expect(readBinaryHeader(seen[0]!, "x-bin")).toEqual([first, second]);
    expect(seen[0]!.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("headers of a call take the place of the client's with all of their values", async () => {
    const seen: Headers[] = [];
    await using end = await link.start({
      routes: (router) =>
        router.service(GreetService, {
          greet(_request, context) {
            seen.push(context.requestHeader);
            return {};
          },
        }),
    });
    const cookies = (...values: string[]): Headers =>
      new Headers(values.map((value) => ["set-cookie", value]));
    for (const headers of [cookies("a", "b"), () => cookies("a", "b")]) {
      const client = createClient(GreetService, end.transport, { headers });
      await client.greet({}, { headers: { x: "1" } });
      await client.greet({}, { headers: cookies("c", "d") });
    }
    expect(seen.map((headers) => headers.getSetCookie())).toEqual([
      ["a", "b"],
      ["c", "d"],
      ["a", "b"],
      ["c", "d"],
    ]);
  });
});

const copyOnServer: Interceptor = (next) => (req) =>
  next({ ...req, header: new Headers(req.header) } as never);

test("attachments have the last value of a binary name, and readBinaryHeader all of them", () => {
  const headers = twice();
  expect(readAttachments(headers)).toEqual({ x: second });
  expect(readBinaryHeader(headers, "x-bin")).toEqual([first, second]);
  expect(readBinaryHeader(headers, "y-bin")).toEqual([]);
  expect(readBinaryHeader(new Headers({ "x-bin": "" }), "x-bin")).toEqual([new Uint8Array()]);
  expect(readAttachments(new Headers({ "x-bin": "AQI=, §" }))).toEqual({ "x-bin": "AQI=, §" });
  expect(() => readBinaryHeader(new Headers({ "x-bin": "§" }), "x-bin")).toThrow(ConnectError);
  expect(decodeBinaryHeader("AQI=")).toEqual(first);
});
