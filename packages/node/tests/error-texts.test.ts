// SPDX-License-Identifier: Apache-2.0
// The ten situations of docs/errors.md: what is said in each, word for word, and that the page says the same.
// Mutant: core/src/server/routing/unknown-paths.ts # const nearest = nearestName(asked, names); => const nearest = undefined;

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, get } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { compressionGzip } from "@connectrpc/connect-node";
import { afterEach, describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  createClient,
  createTransport,
  type Interceptor,
  serve,
  type TripleRouter,
} from "@tristream/node";

import { makeAuthority } from "./certificates.js";
import { echo, errorOf, expectText, listening, seen, situations, start } from "./errors-page.js";
import { Later } from "./foreign-greet.js";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe("1: an address where nothing listens", () => {
  it("is named with its port", async () => {
    const probe = await listening(createServer());
    await probe[Symbol.asyncDispose]();
    await using transport = createTransport(`tri://127.0.0.1:${probe.port}`);
    const error = await errorOf(createClient(GreetService, transport).greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expectText(
      1,
      error.message,
      probe.port,
      "[unavailable] can't connect to 127.0.0.1:20000: nothing listens there: start the server, or correct the address",
    );
  });

  it("is named with the path of its unix socket", async () => {
    await using transport = createTransport(`unix:${join(tmpdir(), "tristream-no-such-socket")}`);
    const error = await errorOf(createClient(GreetService, transport).greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expectText(
      1,
      error.message,
      0,
      "[unavailable] can't connect to unix:/run/greet.sock: there is no such socket: start the server, or correct the path",
    );
  });
});

describe("2: the port is taken", () => {
  it("is named by the server that could not start", async () => {
    await using other = await listening(createServer());
    const error = await errorOf(serve({ host: "127.0.0.1", port: other.port, routes: echo }));
    expect(error.code).toBe(Code.AlreadyExists);
    expectText(
      2,
      error.message,
      other.port,
      "[already_exists] can't listen on 127.0.0.1:20000: it is taken: stop what listens there, or choose another one",
    );
  });
});

const cleartextAtTls =
  '[unavailable] can\'t connect to 127.0.0.1:20000: the peer sent GOAWAY with ENHANCE_YOUR_CALM "this port takes TLS only: connect with https://, or with tri:// and the option tls"; the next attempt is in 1000 ms (option maxReconnectDelayMs)';

describe("3: TLS on one side alone", () => {
  const closed =
    "[unavailable] connection to 127.0.0.1:20000 lost after no answer: closed before a word of HTTP/2: does it speak HTTP/2, does it want TLS, is it the right port?";

  it.each([
    ["node:tls", () => createTlsServer()],
    ["node:http2", () => createSecureServer()],
  ])(
    "our client at a server of %s, which closes without a word, asks whether it wants TLS",
    async (_what, make) => {
      const server = make();
      server.on("tlsClientError", () => {});
      await using end = await listening(server);
      const error = await errorOf(end.client.greet({}));
      expect(error.code).toBe(Code.Unavailable);
      expectText(3, error.message, end.port, closed);
    },
  );

  it("our client at a server that answers by an alert, as most do, names TLS", async () => {
    const protocolVersion = Uint8Array.of(0x15, 3, 1, 0, 2, 2, 0x46);
    await using end = await listening(createServer((socket) => socket.resume().end(protocolVersion)));
    const error = await errorOf(end.client.greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expectText(
      3,
      error.message,
      end.port,
      "[unavailable] connection to 127.0.0.1:20000 lost after no answer: the peer speaks TLS, but this connection does not: use TLS (https://, or tri:// with the option tls), or its cleartext port",
    );
  });

  it.each([
    ["node:tls", (port: number) => connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false })],
    [
      "node:http2",
      (port: number) => connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }),
    ],
  ])("a client of %s at our port is closed at once, with one warning", async (_what, connect) => {
    await using end = await start(echo);
    const client = connect(end.port);
    const failed = once(client, "error");
    const gone = new Promise((resolve) => client.once("close", resolve));
    client.on("error", () => {});
    await failed;
    await gone;
    const line = await end.logger.line("warn");
    expectText(
      3,
      line.slice("warn: ".length),
      end.port,
      "connection with 127.0.0.1:50000 refused: the peer speaks TLS, but this port does not: let it connect in cleartext (tri:// or http://), or give this server a key and certificate (option tls)",
    );
    expect((await end.client.greet({ name: "on" })).greeting).toBe("on");
    expect(end.logger.lines).toEqual([line]);
  });
});

describe("3: TLS on one side alone, between two ends of ours", () => {
  it("a client that speaks TLS at a cleartext port is told so", async () => {
    await using end = await start(echo);
    await using transport = createTransport(`https://127.0.0.1:${end.port}`);
    const error = await errorOf(createClient(GreetService, transport).greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expectText(
      3,
      error.message,
      end.port,
      "[unavailable] can't connect to 127.0.0.1:20000: the other end does not speak TLS: use its cleartext address (tri:// without option tls, or http://), or its TLS port",
    );
  });

  it("a client that speaks cleartext at a TLS port is told so", async () => {
    const { key, cert } = await (await makeAuthority("Authority")).issue({ name: "greeter" });
    await using end = await start(echo, { tls: { key, cert } });
    await using transport = createTransport(`tri://127.0.0.1:${end.port}`);
    const error = await errorOf(createClient(GreetService, transport).greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expectText(3, error.message, end.port, cleartextAtTls);
  });
});

describe("4: HTTP/1.1 on one side alone", () => {
  it("our client at a server of node:http names HTTP/1.1", async () => {
    await using end = await listening(createHttpServer((_req, res) => res.end("hello")));
    const error = await errorOf(end.client.greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expectText(
      4,
      error.message,
      end.port,
      "[unavailable] connection to 127.0.0.1:20000 lost after no answer: the peer answers with HTTP/1.1: it is not an HTTP/2 server, or only after an upgrade",
    );
  });

  it("a client of node:http at our port leaves one warning", async () => {
    await using end = await start(echo);
    const request = get({ host: "127.0.0.1", port: end.port, path: "/" });
    await once(request, "error");
    const line = await end.logger.line("warn");
    expectText(
      4,
      line.slice("warn: ".length),
      end.port,
      "connection with 127.0.0.1:50000 refused: the peer speaks HTTP/1.1: HTTP/2 with prior knowledge is needed (curl --http2-prior-knowledge)",
    );
    expect((await end.client.greet({ name: "on" })).greeting).toBe("on");
    expect(end.logger.lines).toEqual([line]);
  });
});

describe("5: a handler threw", () => {
  it("the client gets an id, the log the same id, who called what, and the stack", async () => {
    await using end = await start((router) =>
      router.service(GreetService, {
        greet() {
          throw new TypeError("the disk is full");
        },
      }),
    );
    const error = await errorOf(end.client.greet({}));
    expect(error.code).toBe(Code.Internal);
    expectText(5, error.message, end.port, "[internal] internal error (id k3x9b2m7)");
    expect([...error.metadata.keys()].filter((name) => !/^(grpc-|content-type)/.test(name))).toEqual([]);
    expect(end.logger.lines).toHaveLength(1);
    const [first, second] = end.logger.lines[0]!.split("\n");
    expect(first).toContain(/\(id .{8}\)/.exec(error.message)![0]);
    expectText(
      5,
      first!.slice("error: ".length),
      end.port,
      "internal error (id k3x9b2m7) in greet.GreetService/Greet, called by 127.0.0.1:50000: TypeError: the disk is full",
    );
    expect(second).toMatch(/^ {4}at .*error-texts\.test\.ts/);
  });
});

describe("6: the server is killed in mid-stream", () => {
  it("the error says how many messages had come", async () => {
    const child = spawn(
      process.execPath,
      [
        "--conditions=@tristream/source",
        "--import",
        "tsx",
        fileURLToPath(new URL("./killed-child.ts", import.meta.url)),
        "server",
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    children.push(child);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const port = Number(/^port (\d+)$/.exec((await lines.next()).value)?.[1]);
    await using transport = createTransport(`tri://127.0.0.1:${port}`);
    const chat = createClient(GreetService, transport).greetStream();
    for (const name of ["a", "b", "c"]) {
      await chat.send({ name });
      expect((await chat.receive())?.greeting).toBe(name);
    }
    child.kill("SIGKILL");
    const error = await errorOf(chat.receive());
    expect(error.code).toBe(Code.Unavailable);
    const [, said, how] = /^(.* lost after 3 messages): (.*)$/.exec(error.message) ?? [];
    expectText(6, said!, port, "[unavailable] connection to 127.0.0.1:20000 lost after 3 messages");
    // By chance of what was under way: the end of a connection, or its reset.
    expect([
      "the other end closed it in mid-call, or its process was killed",
      "the other end reset it, or its process was killed (ECONNRESET)",
    ]).toContain(how);
  });
});

describe("7: no registration has the group or version", () => {
  it("the error says what was asked for, and what is offered", async () => {
    await using end = await start((router) => {
      router.service(GreetService, {}, { group: "blue", version: "1.0.0" });
      router.service(GreetService, {}, { group: "blue", version: "2.0.0" });
    });
    const ask = (selector: { group?: string; version?: string }) =>
      errorOf(createClient(GreetService, end.transport, selector).greet({}));
    const none = await ask({});
    expect(none.code).toBe(Code.Unimplemented);
    expectText(
      7,
      none.message,
      end.port,
      '[unimplemented] no implementation of greet.GreetService/Greet for no group and no version: offered are group "blue", version "1.0.0"; group "blue", version "2.0.0"',
    );
    const wrong = await ask({ group: "blue", version: "3.0.0" });
    expectText(
      7,
      wrong.message,
      end.port,
      '[unimplemented] no implementation of greet.GreetService/Greet for group "blue", version "3.0.0": offered are group "blue", version "1.0.0"; group "blue", version "2.0.0"',
    );
  });
});

describe("8: no registration has the method or service", () => {
  it("the error says what is offered, and what was meant", async () => {
    await using end = await start(echo);
    const misspelled = Object.create(GreetService.method.greet, {
      name: { value: "Gret" },
    }) as typeof GreetService.method.greet;
    const method = await errorOf(
      end.transport.unary(misspelled, undefined, undefined, undefined, {}, undefined),
    );
    expect(method.code).toBe(Code.Unimplemented);
    expectText(
      8,
      method.message,
      end.port,
      '[unimplemented] unknown method "Gret" of greet.GreetService: did you mean "Greet"? offered are Greet, GreetStream, GreetClientStream, GreetServerStream',
    );
    const ask = (name: string) =>
      errorOf(createClient(GreetService, end.transport, { interface: name }).greet({}));
    expectText(
      8,
      (await ask("greet.GreeterService")).message,
      end.port,
      '[unimplemented] unknown service "greet.GreeterService": did you mean "greet.GreetService"? offered is greet.GreetService',
    );
    expectText(
      8,
      (await ask("org.example.Library")).message,
      end.port,
      '[unimplemented] unknown service "org.example.Library": offered is greet.GreetService',
    );
  });
});

describe("9: a deadline has passed", () => {
  const stuck = (router: TripleRouter) =>
    router.service(GreetService, { greet: () => new Promise(() => {}) });

  it("the client says that its own has passed", async () => {
    // A server that keeps no deadline, so that it is always the client's that passes.
    await using end = await listening(createHttp2Server());
    const error = await errorOf(end.client.greet({}, { timeoutMs: 150 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expectText(
      9,
      error.message,
      end.port,
      "[deadline_exceeded] the deadline of 150 ms that this client set passed in greet.GreetService/Greet: no answer; raise timeoutMs if that is too short",
    );
  });

  it("the client says that nothing was sent", async () => {
    await using transport = createTransport({ pick: () => new Promise(() => {}), async close() {} });
    const error = await errorOf(createClient(GreetService, transport).greet({}, { timeoutMs: 150 }));
    expectText(
      9,
      error.message,
      0,
      "[deadline_exceeded] the deadline of 150 ms that this client set passed in greet.GreetService/Greet: nothing was sent; raise timeoutMs if that is too short",
    );
  });

  it("the client says how much of the answer had arrived", async () => {
    const rest = new Later<void>();
    await using end = await start((router) =>
      router.service(GreetService, {
        async *greetServerStream({ name }, context) {
          if (name === "headers") context.sendHeaders();
          for (let i = 0; i < Number(name); i++) yield { greeting: "a" };
          await rest.promise;
        },
      }),
    );
    for (const [name, progress] of [
      ["headers", "response headers and no message"],
      ["1", "1 message"],
      ["3", "3 messages"],
    ] as const) {
      const error = await errorOf(
        (async () => {
          for await (const _ of end.client.greetServerStream({ name }, { timeoutMs: 150 }));
        })(),
      );
      expectText(
        9,
        error.message,
        end.port,
        `[deadline_exceeded] the deadline of 150 ms that this client set passed in greet.GreetService/GreetServerStream: ${progress}; raise timeoutMs if that is too short`,
      );
    }
    rest.resolve();
  });

  it("the client says how the last attempt ended, when the next one has not begun", async () => {
    await using end = await start((router) =>
      router.service(GreetService, {
        greet() {
          throw new ConnectError("busy", Code.Unavailable);
        },
      }),
    );
    const again: Interceptor = (next) => async (req) => {
      await next(req).catch(() => {});
      await once(req.signal, "abort");
      return next(req);
    };
    const client = createClient(GreetService, end.transport, { interceptors: [again] });
    const error = await errorOf(client.greet({}, { timeoutMs: 150 }));
    expectText(
      9,
      error.message,
      end.port,
      "[deadline_exceeded] the deadline of 150 ms that this client set passed in greet.GreetService/Greet: no attempt is under way, the last one ended with [unavailable] busy; raise timeoutMs if that is too short",
    );
  });

  it("the server tells a client that does not count itself", async () => {
    await using end = await start(stuck);
    const session = connectHttp2(`http://127.0.0.1:${end.port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/greet.GreetService/Greet",
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-timeout": "150m",
    });
    stream.end(new Uint8Array(5));
    const [headers] = await once(stream, "response");
    expect(headers["grpc-status"]).toBe(String(Code.DeadlineExceeded));
    expectText(
      9,
      decodeURIComponent(headers["grpc-message"]),
      end.port,
      "the deadline of 150 ms that the client sent (the rest of its timeoutMs) passed in greet.GreetService/Greet, at the server; raise timeoutMs if that is too short",
    );
    session.destroy();
  });

  it("the server refuses one that is longer than it allows", async () => {
    await using end = await start(stuck, { maxTimeoutMs: 1000 });
    const error = await errorOf(end.client.greet({}, { timeoutMs: 60_000 }));
    expect(error.code).toBe(Code.InvalidArgument);
    expectText(
      9,
      error.message,
      end.port,
      "[invalid_argument] the deadline of 60000 ms that the client sent (the rest of its timeoutMs) is longer than the 1000 ms that this server allows: lower timeoutMs, or raise maxTimeoutMs of the server",
    );
  });
});

describe("10: a message is too large", () => {
  const name = "x".repeat(5_000_000);
  const received =
    "[resource_exhausted] message of 5000005 bytes is larger than the limit of 4194304: raise readMaxBytes where it is received";

  it("the server and the client refuse to receive it", async () => {
    await using end = await start((router) =>
      router.service(GreetService, {
        greet: ({ name: asked }) => ({ greeting: asked === "" ? name : asked }),
      }),
    );
    for (const request of [{ name }, {}]) {
      const error = await errorOf(end.client.greet(request));
      expect(error.code).toBe(Code.ResourceExhausted);
      expectText(10, error.message, end.port, received);
    }
    expect((await end.client.greet({ name: "on" })).greeting).toBe("on");
  });

  it("the client and the server refuse to send it", async () => {
    await using end = await start(echo, { transport: { writeMaxBytes: 100 }, writeMaxBytes: 50 });
    const expected = (bytes: number, limit: number) =>
      `[resource_exhausted] message of ${bytes} bytes is larger than the limit of ${limit}: raise writeMaxBytes where it is sent`;
    const sent = await errorOf(end.client.greet({ name: "x".repeat(197) }));
    expectText(10, sent.message, end.port, expected(200, 100));
    const answered = await errorOf(end.client.greet({ name: "x".repeat(78) }));
    expect(answered.message).toBe(expected(80, 50));
  });

  it("the server refuses one with too many elements", async () => {
    await using end = await start(echo, { readMaxElements: 2 });
    const one = { no: 20, wireType: 0, data: Uint8Array.of(1) };
    const request = Object.assign(create(GreetService.method.greet.input), { $unknown: [one, one, one] });
    const error = await errorOf(end.client.greet(request));
    expect(error.code).toBe(Code.ResourceExhausted);
    const text =
      "[resource_exhausted] message of 9 bytes has more elements (messages, list and map entries, unknown fields) than the limit of 2: raise readMaxElements where it is received";
    expectText(10, error.message, end.port, text);
  });

  it("the server refuses one that is too large when it is decompressed", async () => {
    await using end = await start(echo, { transport: { sendCompression: compressionGzip } });
    const error = await errorOf(end.client.greet({ name }));
    expect(error.code).toBe(Code.ResourceExhausted);
    const [, size] = /^\[resource_exhausted\] message of (\d+) compressed/.exec(error.message) ?? [];
    expect(Number(size)).toBeLessThan(10_000);
    expectText(
      10,
      error.message.replace(size!, "4900"),
      end.port,
      "[resource_exhausted] message of 4900 compressed bytes is larger than the limit of 4194304 when decompressed: raise readMaxBytes where it is received",
    );
  });
});

describe("the page", () => {
  // The last test: it needs what the others have seen.
  it("has no text in its first ten situations that they do not produce", () => {
    for (let situation = 1; situation <= 10; situation++)
      expect([...(seen.get(situation) ?? [])].sort()).toEqual([...situations.get(situation)!].sort());
  });
});
