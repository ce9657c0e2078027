// SPDX-License-Identifier: Apache-2.0
// The situations of docs/errors.md from the eleventh on: limits, stuck handlers, cancels, shutdowns. What is said in each, word for word.
// Mutant: core/src/log/server-log.ts #  (option stuckHandlerMs)
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { createServer } from "node:net";
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, type ConnectError, createClient, createTransport, type TripleRouter } from "@tristream/node";
import { echo, errorOf, expectText, listening, seen, situations, start } from "./errors-page.js";
import { Later } from "./foreign-greet.js";

/** Handlers that wait for `end`. */
function waiting() {
  const begun = new Later<void>();
  const end = new Later<void>();
  const failed = new Later<ConnectError>();
  const routes = (router: TripleRouter): unknown =>
    router.service(GreetService, {
      async greet({ name }) {
        begun.resolve();
        await end.promise;
        return { greeting: name };
      },
      async greetClientStream(requests) {
        try {
          for await (const _ of requests) begun.resolve();
        } catch (error) {
          failed.resolve(error as ConnectError);
          throw error;
        }
        return {};
      },
    });
  return { begun, end, failed, routes };
}

describe("11: a limit on what is queued or held", () => {
  const refused = "the server has 1 of at most 1 connections (option maxConnections)";

  it("refuses a connection beyond maxConnections", async () => {
    await using ends = await start(echo, { maxConnections: 1 });
    await ends.client.greet({});
    await using second = createTransport(`tri://127.0.0.1:${ends.port}`);
    const error = await errorOf(createClient(GreetService, second).greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expectText(
      11,
      error.message,
      ends.port,
      `[unavailable] can't connect to 127.0.0.1:20000: the peer sent GOAWAY with ENHANCE_YOUR_CALM "${refused}"; the next attempt is in 1000 ms (option maxReconnectDelayMs)`,
    );
    const line = await ends.logger.line("warn");
    expectText(
      11,
      line.slice("warn: ".length),
      ends.port,
      `connection with 127.0.0.1:50000 refused: ${refused}`,
    );
  });

  it("refuses a request beyond maxHeldBytes", async () => {
    const { begun, end, routes } = waiting();
    await using ends = await start(routes, { maxHeldBytes: 3000 });
    const first = ends.client.greet({ name: "x".repeat(2000) });
    await begun.promise;
    const error = await errorOf(ends.client.greet({ name: "x".repeat(2000) }));
    expect(error.code).toBe(Code.ResourceExhausted);
    expectText(
      11,
      error.message,
      ends.port,
      "[resource_exhausted] the requests that this process handles would take more than the limit of 3000 bytes: call later, or raise maxHeldBytes of the server",
    );
    end.resolve();
    await first;
  });

  it("refuses a call whose client reads no answers", async () => {
    const routes = (router: TripleRouter): unknown =>
      router.service(GreetService, { greet: () => ({ greeting: "x".repeat(40_000) }) });
    await using ends = await start(routes, { http2: { maxQueuedBytes: 131_072 } });
    const session = connectHttp2(`http://127.0.0.1:${ends.port}`, { settings: { initialWindowSize: 0 } });
    const answers = [];
    for (let i = 0; i < 3; i++) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/greet.GreetService/Greet",
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.end(new Uint8Array(5));
      answers.push((await once(stream, "response"))[0]);
    }
    expect(answers.map((headers) => headers["grpc-status"])).toEqual([undefined, undefined, "8"]);
    const text =
      "80018 bytes of answers wait to be sent on this connection: above 65536 new calls are refused until they are read (option http2.maxQueuedBytes of the server)";
    expectText(11, decodeURIComponent(answers[2]["grpc-message"]), ends.port, text);
    const line = await ends.logger.line("warn");
    expectText(
      11,
      line.slice("warn: ".length),
      ends.port,
      `connection with 127.0.0.1:50000 passed a limit: ${text}`,
    );
    session.destroy();
  });

  it("refuses a request whose server reads none", async () => {
    await using silent = await listening(createServer((socket) => socket.resume()));
    const transport = createTransport(`tri://127.0.0.1:${silent.port}`, {
      http2: { maxQueuedBytes: 131_072 },
    });
    const client = createClient(GreetService, transport);
    const first = errorOf(client.greet({ name: "x".repeat(200_000) }));
    const error = await errorOf(client.greet({ name: "x".repeat(49_996) }));
    expect(error.code).toBe(Code.ResourceExhausted);
    expectText(
      11,
      error.message,
      silent.port,
      "[resource_exhausted] a message of 50005 bytes is not sent, since 134465 bytes wait on this connection for their reader, and at most 131072 may (option http2.maxQueuedBytes where it is sent)",
    );
    await transport.close();
    await first;
  });
});

describe("12: a handler still runs after its call has ended", () => {
  it("has a line then, and another one when it ends", async () => {
    const { begun, end, routes } = waiting();
    await using ends = await start(routes, { stuckHandlerMs: 50 });
    const abort = new AbortController();
    const call = errorOf(ends.client.greet({}, { signal: abort.signal }));
    await begun.promise;
    abort.abort();
    await call;
    const line = await ends.logger.line("warn");
    expectText(
      12,
      line.slice("warn: ".length),
      ends.port,
      "the handler of greet.GreetService/Greet, called by 127.0.0.1:50000, still runs 5002 ms after its call ended ([canceled] the client at 127.0.0.1:50000 canceled greet.GreetService/Greet: the peer reset the stream with CANCEL): it awaits something that does not end with the call: pass context.signal to what it awaits (option stuckHandlerMs)",
    );
    end.resolve();
    const last = await ends.logger.line(line.slice(0, line.indexOf("still runs")) + "has ended");
    expectText(
      12,
      last.slice("warn: ".length),
      ends.port,
      "the handler of greet.GreetService/Greet, called by 127.0.0.1:50000, has ended, 7310 ms after its call",
    );
  });
});

describe("13: the client canceled the call", () => {
  it("tells both ends", async () => {
    const { begun, failed, routes } = waiting();
    await using ends = await start(routes);
    const upload = ends.client.greetClientStream();
    await upload.send({});
    await begun.promise;
    upload.cancel();
    const error = await errorOf(upload.closeAndReceive());
    expectText(13, error.message, ends.port, "[canceled] this client canceled the call");
    expectText(
      13,
      (await failed.promise).message,
      ends.port,
      "[canceled] the client at 127.0.0.1:50000 canceled greet.GreetService/GreetClientStream: the peer reset the stream with CANCEL",
    );
  });

  it("says by which way it was left", async () => {
    await using ends = await start(echo);
    const stream = ends.client.greetStream();
    await stream.closeResponse();
    const left = await errorOf(stream.receive());
    expectText(13, left.message, ends.port, "[canceled] the stream was left before its end");
    const aborted = await errorOf(ends.client.greet({}, { signal: AbortSignal.abort() }));
    expectText(13, aborted.message, ends.port, "[canceled] This operation was aborted");
    const signal = AbortSignal.timeout(1);
    await once(signal, "abort");
    const late = await errorOf(ends.client.greet({}, { signal }));
    expectText(13, late.message, ends.port, "[canceled] The operation was aborted due to timeout");
  });
});

describe("14: the server shuts down", () => {
  it("tells the client and the handler", async () => {
    const { begun, failed, routes } = waiting();
    await using ends = await start(routes);
    const upload = ends.client.greetClientStream();
    await upload.send({});
    await begun.promise;
    const error = errorOf(upload.responseTrailer);
    await ends.server.shutdown({ graceMs: 0 });
    expect((await error).code).toBe(Code.Unavailable);
    expectText(14, (await error).message, ends.port, "[unavailable] the server is shutting down");
    expect((await failed.promise).message).toBe("[unavailable] the server is shutting down");
  });
});

describe("15: the method is not implemented", () => {
  it("says so with the method's name", async () => {
    await using ends = await start(echo);
    const error = await errorOf(ends.client.greetClientStream([]));
    expect(error.code).toBe(Code.Unimplemented);
    expectText(
      15,
      error.message,
      ends.port,
      "[unimplemented] greet.GreetService/GreetClientStream is not implemented",
    );
  });
});

describe("the page", () => {
  // The last test: it needs what the others have seen.
  it("has no text in these situations that they do not produce", () => {
    expect([...situations.keys()]).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
    for (let situation = 11; situation <= 15; situation++)
      expect([...(seen.get(situation) ?? [])].sort()).toEqual([...situations.get(situation)!].sort());
  });
});
