// SPDX-License-Identifier: Apache-2.0
// Connect's unary calls by POST, over the engine that serves gRPC: both roles, in one process.
// Mutant: core/src/engine/message/envelope-reader.ts # if (this.bare) return this.endBare(); => if (this.bare) return true;
// Mutant: core/src/engine/message/envelope-reader.ts # if (this.bodyFilled + n > this.maxBytes) { => if (false) {
// Mutant: core/src/engine/message/envelope-reader.ts # this.stream.messageNeeds(this.announced - this.bodyFilled, this.announced);
// Mutant: core/src/engine/call/server-response.ts # encoding: body === null || body.compression === null ? null : body.compression.name, => encoding: null,
// Mutant: core/src/engine/call/client-call.ts # error = this.method.dialect.client.parseError(await body.decompressed(), body.error); => error = body.error;
// Mutant: core/src/client/call/method-caller.ts # checkReserved(asked, this.method.dialect.reserved, Code.InvalidArgument);
// Mutant: core/src/engine/call/server-response.ts # if (header !== null && !headSent) checkReserved(header, dialect.reserved, Code.Internal);
// Mutant: core/src/dialects/connect/unary.ts # typeof parsed.code === "number" ? parsed.code : fallback.code; => parsed.code;
// Mutant: core/src/dialects/connect/unary.ts # if (trailer !== null) appendHeaders(fields, connectProtocol.trailerMux(new Headers(), trailer));
import { Code, ConnectError, createClient, type TripleContext } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { compressionGzip } from "@tristream/node";
import { connectUnary } from "../src/dialects/connect/unary.js";
import { grpc } from "../src/dialects/grpc/grpc.js";
import { startUnary } from "./connect-unary.js";
import { errorOf, until } from "./events.js";

describe.each([
  { format: "proto", useJson: false },
  { format: "JSON", useJson: true },
])("a unary call of Connect in $format", ({ useJson }) => {
  test("gives the answer, the headers and the trailers", async () => {
    const seen: TripleContext[] = [];
    await using end = startUnary({
      transport: { useJson },
      routes: (r) =>
        r.service(GreetService, {
          greet({ name }, context) {
            seen.push(context);
            context.responseHeader.set("x-header", "h");
            context.responseTrailer.set("x-trailer", "t");
            return { greeting: `hello ${name}` };
          },
        }),
    });
    const got: Headers[] = [];
    const client = createClient(GreetService, end.transport);
    const answer = await client.greet(
      { name: "ada" },
      {
        headers: { "x-asked": "1" },
        onHeader: (header) => got.push(header),
        onTrailer: (trailer) => got.push(trailer),
      },
    );
    expect(answer.greeting).toBe("hello ada");
    expect(got.map((headers) => [headers.get("x-header"), headers.get("x-trailer")])).toEqual([
      ["h", null],
      [null, "t"],
    ]);
    expect(seen.map((c) => [c.protocolName, c.requestMethod, c.requestHeader.get("x-asked")])).toEqual([
      ["connect", "POST", "1"],
    ]);
  });

  test("carries an empty message both ways", async () => {
    await using end = startUnary({
      transport: { useJson },
      routes: (r) => r.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
    });
    expect((await createClient(GreetService, end.transport).greet({})).greeting).toBe("");
  });

  test("gives the handler's error with its code, text, details and metadata", async () => {
    await using end = startUnary({
      transport: { useJson },
      routes: (r) =>
        r.service(GreetService, {
          greet(_request, context) {
            context.responseHeader.set("x-header", "h");
            context.responseTrailer.set("x-trailer", "t");
            throw new ConnectError("none\nhere", Code.NotFound, { "x-error": "e" }, [
              { desc: GreetRequestSchema, value: { name: "detail" } },
            ]);
          },
        }),
    });
    const error = await errorOf(createClient(GreetService, end.transport).greet({ name: "a" }));
    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "none\nhere" });
    expect(error.message).toBe("[not_found] none\\nhere");
    expect(error.findDetails(GreetRequestSchema).map((detail) => detail.name)).toEqual(["detail"]);
    expect(["x-header", "x-trailer", "x-error"].map((name) => error.metadata.get(name))).toEqual([
      "h",
      "t",
      "e",
    ]);
  });

  test("is compressed both ways if the messages are large enough", async () => {
    const compressed: (boolean | undefined)[] = [];
    await using end = startUnary({
      acceptCompression: [compressionGzip],
      compressResponses: true,
      compressMinBytes: 100,
      transport: {
        useJson,
        sendCompression: compressionGzip,
        compressMinBytes: 100,
        acceptCompression: [compressionGzip],
      },
      routes: (r) =>
        r.service(GreetService, {
          greet({ name }, context) {
            compressed.push(context.requestCompressed);
            return { greeting: name };
          },
        }),
    });
    const encodings: (string | null)[] = [];
    const client = createClient(GreetService, end.transport);
    for (const name of ["a", "a".repeat(1000)]) {
      const answer = await client.greet(
        { name },
        { onHeader: (header) => encodings.push(header.get("content-encoding")) },
      );
      expect(answer.greeting).toBe(name);
    }
    expect(encodings).toEqual([null, "gzip"]);
    expect(compressed).toEqual([false, true]);
  });
});

test("both dialects are served on one connection's routes", async () => {
  const names: string[] = [];
  for (const dialect of [grpc, connectUnary]) {
    await using end = startUnary(
      {
        routes: (r) =>
          r.service(GreetService, {
            greet(_request, context) {
              names.push(context.protocolName);
              return {};
            },
          }),
      },
      dialect,
    );
    await createClient(GreetService, end.transport).greet({});
  }
  expect(names).toEqual(["grpc", "connect"]);
});

test("a message larger than the window arrives whole, and one larger than the limit is refused", async () => {
  await using end = startUnary({
    readMaxBytes: 2_000_000,
    transport: { readMaxBytes: 1_500_000 },
    routes: (r) => r.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
  });
  const client = createClient(GreetService, end.transport);
  for (const length of [70_000, 300_000, 1_400_000]) {
    expect((await client.greet({ name: "x".repeat(length) })).greeting.length).toBe(length);
  }
  const response = await errorOf(client.greet({ name: "x".repeat(1_600_000) }));
  expect(response.code).toBe(Code.ResourceExhausted);
  expect(response.rawMessage).toContain("more than 1500000 bytes: raise readMaxBytes");
  const request = await errorOf(client.greet({ name: "x".repeat(2_100_000) }));
  expect(request.code).toBe(Code.ResourceExhausted);
  expect(request.rawMessage).toContain("more than 2000000 bytes: raise readMaxBytes");
  expect((await client.greet({ name: "on" })).greeting).toBe("on");
});

test("a deadline reaches the server, and ends the call on both sides", async () => {
  const left: (number | undefined)[] = [];
  const reasons: unknown[] = [];
  await using end = startUnary({
    routes: (r) =>
      r.service(GreetService, {
        greet(_request, context) {
          left.push(context.timeoutMs());
          return new Promise((_resolve, reject) => {
            context.signal.addEventListener("abort", () => {
              reasons.push((context.signal.reason as ConnectError).code);
              reject(context.signal.reason);
            });
          });
        },
      }),
  });
  const client = createClient(GreetService, end.transport);
  expect((await errorOf(client.greet({}, { timeoutMs: 50 }))).code).toBe(Code.DeadlineExceeded);
  await until(() => reasons.length === 1);
  expect(left[0]).toBeLessThanOrEqual(50);
  await until(() => end.server.activeCalls === 0);
});

test("a cancel fires the handler's signal", async () => {
  const reasons: unknown[] = [];
  await using end = startUnary({
    routes: (r) =>
      r.service(GreetService, {
        greet(_request, context) {
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
  const controller = new AbortController();
  const client = createClient(GreetService, end.transport);
  expect((await errorOf(client.greet({}, { signal: controller.signal }))).code).toBe(Code.Canceled);
  await until(() => reasons.length === 1);
  expect(reasons).toEqual([Code.Canceled]);
});

test("a method with streams is refused before anything is sent", async () => {
  await using end = startUnary({
    routes: (r) => r.service(GreetService, { async *greetServerStream() {} }),
  });
  const stream = createClient(GreetService, end.transport).greetServerStream({});
  const error = await errorOf(stream.next());
  expect(error.code).toBe(Code.Unimplemented);
  expect(error.rawMessage).toBe(
    "greet.GreetService/GreetServerStream has streams, which application/proto and application/json don't carry: use another protocol for it",
  );
});

test("headers that belong to the protocol can't be set", async () => {
  await using end = startUnary({
    routes: (r) =>
      r.service(GreetService, {
        greet(_request, context) {
          context.responseHeader.set("content-encoding", "br");
          return {};
        },
      }),
  });
  const client = createClient(GreetService, end.transport);
  const own = await errorOf(client.greet({}, { headers: { "connect-protocol-version": "2" } }));
  expect(own.code).toBe(Code.InvalidArgument);
  expect(own.rawMessage).toBe(
    'header "connect-protocol-version" belongs to the protocol and can\'t be set: leave it out',
  );
  const handlers = await errorOf(client.greet({}));
  expect(handlers.code).toBe(Code.Internal);
  expect(handlers.rawMessage).toBe(
    'header "content-encoding" belongs to the protocol and can\'t be set: leave it out',
  );
});

test("an unexpected error of the handler shows its id and no secret", async () => {
  await using end = startUnary({
    routes: (r) =>
      r.service(GreetService, {
        greet() {
          throw new TypeError("secret");
        },
      }),
  });
  const error = await errorOf(createClient(GreetService, end.transport).greet({}));
  expect(error.code).toBe(Code.Internal);
  expect(error.rawMessage).toMatch(/^internal error \(id /);
});

test("an error in a body that can't be read is what the HTTP status says", () => {
  const fallback = new ConnectError("HTTP 503", Code.Unavailable);
  const parse = (text: string) => connectUnary.client.parseError(new TextEncoder().encode(text), fallback);
  for (const text of ["", "<html>", "[]", '{"message":1}', '{"details":[1]}'])
    expect(parse(text)).toBe(fallback);
  expect(parse('{"code":"constructor"}')).toMatchObject({ code: Code.Unavailable });
  expect(parse('{"code":"not_found","message":"m"}')).toMatchObject({ code: Code.NotFound, rawMessage: "m" });
});
