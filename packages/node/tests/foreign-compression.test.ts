// SPDX-License-Identifier: Apache-2.0
// Compressed messages, between our end and each foreign one.

import { createClient as createConnectClient } from "@connectrpc/connect";
import { compressionGzip, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";
import { connectOurs, serveStock } from "./foreign-connect.js";
import { tapFrames } from "./foreign-frames.js";
import { all, each, type Handlers, type Metadata } from "./foreign-greet.js";
import { open, pairs } from "./foreign-pairs.js";

const long = "compress me, ".repeat(3000);

/** Answers what it got, and says which encoding that came with. */
const echo: Handlers = {
  async unary(name, call) {
    call.setTrailer("x-encoding", String(call.headers["grpc-encoding"] ?? "hidden"));
    return name;
  },
  async *serverStream(name) {
    yield name;
    yield "short";
    yield name;
  },
  async clientStream(names) {
    return (await all(names)).join("+");
  },
  bidi: (names) => names,
};

describe.each(pairs)("$title, with compression on where they have it", (pair) => {
  const settings = { client: { compress: true }, server: { compress: true } };

  it("exchange large and small messages in all four kinds", async () => {
    await using ends = await open(pair, echo, settings);
    expect((await ends.client.unary(long)) === long).toBe(true);
    expect(await ends.client.unary("short")).toBe("short");
    expect(await ends.client.unary("")).toBe("");
    const down = await all(ends.client.serverStream(long));
    expect(down.map((name) => name === long || name)).toEqual([true, "short", true]);
    expect((await ends.client.clientStream(each([long, "a", long]))) === `${long}+a+${long}`).toBe(true);
    const both = await all(ends.client.bidi(each([long, "", "a", long])));
    expect(both.map((name) => name === long || name)).toEqual([true, "", "a", true]);
  });

  it("keep the order of many messages, compressed or not by turns", async () => {
    await using ends = await open(pair, echo, settings);
    const names = Array.from({ length: 200 }, (_, i) =>
      i % 3 === 0 ? `${i} ${long.slice(0, 2000)}` : `${i}`,
    );
    expect(await all(ends.client.bidi(each(names)))).toEqual(names);
    expect(await ends.client.clientStream(each(names))).toBe(names.join("+"));
  });
});

describe("compression on the wire", () => {
  it("of a connect-es client's requests is read by our server", async () => {
    const [pair] = pairs.filter(({ client }) => client === "connect-es");
    await using server = await pair!.serve(echo);
    await using tap = await tapFrames(server.port);
    await using client = pair!.connect(tap.port, { compress: true });
    let trailer: Metadata = {};
    const onTrailer = (got: Metadata): void => {
      trailer = got;
    };
    expect((await client.unary(long, { onTrailer })) === long).toBe(true);
    expect(trailer["x-encoding"]).toBe("gzip");
    expect(dataBytes(tap.frames)).toBeLessThan(long.length / 10);
  });

  it("of our client's requests is read by a connect-es server", async () => {
    await using server = await serveStock(echo);
    await using tap = await tapFrames(server.port);
    await using client = connectOurs(tap.port, { compress: true });
    expect((await client.unary(long)) === long).toBe(true);
    expect(dataBytes(tap.frames)).toBeLessThan(long.length / 10);
  });

  it("is not used by default", async () => {
    await using server = await serveStock(echo);
    await using tap = await tapFrames(server.port);
    await using client = connectOurs(tap.port);
    expect((await client.unary(long)) === long).toBe(true);
    expect(dataBytes(tap.frames)).toBeGreaterThan(long.length);
  });

  it("of a default connect-es server's responses is read by our client", async () => {
    await using server = await serveStock(echo);
    await using client = connectOurs(server.port);
    let header: Metadata = {};
    const onHeader = (got: Metadata): void => {
      header = got;
    };
    expect((await client.unary(long, { onHeader })) === long).toBe(true);
    expect(header["grpc-encoding"]).toBe("gzip");
    header = {};
    expect((await all(client.bidi(each([long, "a"]), { onHeader }))).map((name) => name.length)).toEqual([
      long.length,
      1,
    ]);
    expect(header["grpc-encoding"]).toBe("gzip");
  });

  it("of our server's responses is read by a connect-es client that asked for it, and left out else", async () => {
    await using server = await serve({
      port: 0,
      host: "127.0.0.1",
      compressResponses: true,
      logger: { ...console, debug() {} },
      routes: (router) => router.rpc(GreetService.method.greet, ({ name }) => ({ greeting: name })),
    });
    const baseUrl = `http://127.0.0.1:${server.port}`;
    for (const [accepted, encoding] of [
      [[compressionGzip], "gzip"],
      [[], null],
    ] as const) {
      const sessionManager = new Http2SessionManager(baseUrl);
      const transport = createGrpcTransport({ baseUrl, sessionManager, acceptCompression: [...accepted] });
      let header: Headers | undefined;
      const onHeader = (got: Headers): void => {
        header = got;
      };
      const reply = await createConnectClient(GreetService, transport).greet({ name: long }, { onHeader });
      sessionManager.abort();
      expect(reply.greeting === long).toBe(true);
      expect(header?.get("grpc-encoding")).toBe(encoding);
    }
  });

  it("is not asked for by our client when it accepts none", async () => {
    await using server = await serveStock(echo);
    await using transport = createTransport(`tri://127.0.0.1:${server.port}`, { acceptCompression: [] });
    const client = createClient(GreetService, transport);
    let header: Headers | undefined;
    const onHeader = (got: Headers): void => {
      header = got;
    };
    expect((await client.greet({ name: long }, { onHeader })).greeting === long).toBe(true);
    expect(header?.get("grpc-encoding")).toBeNull();
  });
});

function dataBytes(frames: readonly { type: string; payload: Buffer }[]): number {
  return frames.filter(({ type }) => type === "DATA").reduce((sum, { payload }) => sum + payload.length, 0);
}
