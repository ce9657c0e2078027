// SPDX-License-Identifier: Apache-2.0
// A server in a block: it listens until the block is left, and then it has shut down.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  createClient,
  createTransport,
  type Http2Options,
  serve,
  type TripleTransport,
} from "@tristream/node";
import { Later } from "./foreign-greet.js";

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

describe("await using server = await serve(…)", () => {
  it("shuts down when the block is left: what runs finishes, then nothing listens", async () => {
    const begun = new Later<void>();
    const order: string[] = [];
    const connected = new Later<TripleTransport>();
    let port = 0;
    const serving = async (): Promise<void> => {
      await using server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (router) =>
          router.service(GreetService, {
            async greet({ name }, { shutdownSignal }) {
              begun.resolve();
              await once(shutdownSignal, "abort");
              order.push("the shutdown has begun");
              return { greeting: name };
            },
          }),
      });
      port = server.port;
      connected.resolve(createTransport(server.url));
      await begun.promise;
    };
    const left = serving().then(() => void order.push("the block is left"));
    await using transport = await connected.promise;
    const { greeting } = await createClient(GreetService, transport).greet({ name: "a" });
    order.push(`answered ${greeting}`);
    await left;
    expect(order).toEqual(["the shutdown has begun", "answered a", "the block is left"]);
    const probe = connect({ host: "127.0.0.1", port });
    const [error] = await once(probe, "error");
    expect(error.code).toBe("ECONNREFUSED");
  });

  it("shuts down when the block throws, too", async () => {
    let port = 0;
    const work = async (): Promise<void> => {
      await using server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (router) => router.service(GreetService, {}),
      });
      port = server.port;
      throw new RangeError("not today");
    };
    await expect(work()).rejects.toThrow("not today");
    // The port is free again.
    await using again = await serve({ host: "127.0.0.1", port, logger: quiet, routes: () => {} });
    expect(again.port).toBe(port);
  });

  it("needs a port or a path, and says so", async () => {
    for (const [given, said] of [
      [{}, "neither port nor socketPath"],
      [{ port: 0, socketPath: "/tmp/x" }, "both port and socketPath"],
    ] as const) {
      const error = await serve({ ...given, routes: () => {} }).then(
        () => undefined,
        (reason) => reason as ConnectError,
      );
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: `serve was given ${said}: pass one of them`,
      });
    }
  });
});

describe("createTransport's connectTimeoutMs", () => {
  it.each([Number.NaN, 0, -1, 2 ** 31, Number.NEGATIVE_INFINITY])(
    "refuses %p, and says what is allowed",
    (ms) => {
      expect(() => createTransport("tri://127.0.0.1:1", { connectTimeoutMs: ms })).toThrow(
        expect.objectContaining({
          code: Code.InvalidArgument,
          rawMessage: `option connectTimeoutMs of createTransport is ${ms}: pass milliseconds above 0 and up to 2147483647, or Infinity for no limit, or leave it out`,
        }),
      );
    },
  );

  it.each([2 ** 31 - 1, Number.POSITIVE_INFINITY])("takes %p", async (ms) => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (router) => router.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
    });
    const transport = createTransport(`tri://127.0.0.1:${server.port}`, { connectTimeoutMs: ms });
    const client = createClient(GreetService, transport);
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
    await transport.close();
  });
});

describe("what is on the path of a unix socket", () => {
  const path = (): string =>
    join(tmpdir(), `tristream-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const listen = (socketPath: string) => serve({ socketPath, logger: quiet, routes: () => {} });

  it.each(["file", "link to a file", "folder"])("a %s is left alone, and said", async (kind) => {
    const [there, file] = [path(), path()];
    await writeFile(file, "precious");
    if (kind === "folder") await mkdir(there);
    else if (kind === "file") await writeFile(there, "precious");
    else await symlink(file, there);
    await expect(listen(there)).rejects.toMatchObject({
      code: Code.AlreadyExists,
      rawMessage: `can't listen on unix:${there}: a file that is not a socket is there: choose another path, or remove it`,
    });
    const left = await (kind === "folder" ? readdir(there) : readFile(there, "utf8"));
    expect(left).toEqual(kind === "folder" ? [] : "precious");
    for (const each of [there, file]) await rm(each, { recursive: true });
  });

  it("a socket that a killed server has left is replaced; one that is listened on is not", async () => {
    const there = path();
    const script = `require("node:net").createServer().listen(${JSON.stringify(there)}, () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", script]), "close");
    expect((await lstat(there)).isSocket()).toBe(true);
    await using server = await listen(there);
    expect(server.url).toBe(`unix:${there}`);
    await expect(listen(there)).rejects.toMatchObject({
      code: Code.AlreadyExists,
      rawMessage: `can't listen on unix:${there}: it is taken: stop what listens there, or choose another one`,
    });
  });
});

describe("options that can't be", () => {
  it.each([
    [
      { http2: { maxFrameSize: 1024 } },
      "option http2.maxFrameSize of serve is 1024: pass an integer from 16384 to 16777215, or leave it out for 65535",
    ],
    [
      { http2: { maxConcurentStreams: 5 } as Http2Options },
      'http2 of serve has no option "maxConcurentStreams": did you mean "maxConcurrentStreams"? options are maxConcurrentStreams, ',
    ],
    [
      { maxHeldBytes: 0.5 },
      "option maxHeldBytes of serve is 0.5: pass an integer from 1, or Infinity for no limit",
    ],
    [
      { maxTimeoutMs: Number.NaN },
      "option maxTimeoutMs of serve is NaN: pass milliseconds above 0, or Infinity for no limit",
    ],
    [
      { stuckHandlerMs: -1 },
      "option stuckHandlerMs of serve is -1: pass milliseconds above 0, or Infinity for no limit",
    ],
    [{ readMaxBytes: 0 }, "option readMaxBytes of serve is 0: pass an integer from 1 to 4294967295"],
    [
      { compressMinBytes: -1 },
      "option compressMinBytes of serve is -1: pass an integer from 0 to 4294967295",
    ],
    [{ port: 99_999 }, "can't listen on 127.0.0.1:99999: use a port from 0 to 65535"],
  ])("%j are refused by serve", async (options, text) => {
    const served = serve({ host: "127.0.0.1", port: 0, logger: quiet, routes: () => {}, ...options });
    await expect(served).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(served).rejects.toThrow(text);
  });

  it.each([
    [
      { http2: { maxConcurrentStreams: 0 } },
      "option http2.maxConcurrentStreams of createTransport is 0: pass an integer from 1 to 4294967295",
    ],
    [
      { readMaxElements: 0 },
      "option readMaxElements of createTransport is 0: pass an integer from 1 to 4294967295",
    ],
    [
      { readMaxBytes: Number.NaN },
      "option readMaxBytes of createTransport is NaN: pass an integer from 1 to 4294967295",
    ],
    [
      { writeMaxBytes: -1 },
      "option writeMaxBytes of createTransport is -1: pass an integer from 1 to 4294967295",
    ],
    [
      { compressMinBytes: 1.5 },
      "option compressMinBytes of createTransport is 1.5: pass an integer from 0 to 4294967295",
    ],
  ])("%j are refused by createTransport", (options, text) => {
    expect(() => createTransport("tri://127.0.0.1:1", options)).toThrow(text);
  });
});
