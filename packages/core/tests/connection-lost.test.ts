// SPDX-License-Identifier: Apache-2.0
// Promise 5: a crash is not a cancel.
// Mutant: core/src/engine/call/response-reset.ts # if (reset.source === "connection") { => if (reset.source === "connection") { return undefined as never;
// Mutant: core/src/engine/call/client-call.ts # this.endCall(this.resetError(reset), false);
import { type AddressInfo, createServer } from "node:net";
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport, serve } from "@tristream/node";
import { errorOf, happening, until } from "./events.js";
import { everyLink, quiet, socketLinks } from "./every-link.js";
import { greeter } from "./greeter.js";

describe.each(everyLink)("a connection that is lost over $name", (link) => {
  test("ends its streams with Unavailable that names the peer and what had come", async () => {
    await using end = await link.start({
      cuttable: true,
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async greet() {
            end.cut();
            await new Promise(() => {});
            return {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    await chat.send({ name: "b" });
    await chat.receive();
    await chat.receive();
    const idle = client.greetStream();
    await idle.send({ name: "a" });
    await idle.receive();
    const unary = await errorOf(client.greet({}));
    expect(unary.code).toBe(Code.Unavailable);
    expect(unary.rawMessage).toContain("lost after no answer");
    const error = await errorOf(chat.receive());
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toContain("lost after 2 messages");
    expect(error.rawMessage).toContain(
      { tcp: "127.0.0.1:", unix: "unix:/", memory: "memory:server" }[link.name],
    );
    expect((await errorOf(idle.receive())).rawMessage).toContain("lost after 1 message:");
    expect(await errorOf(chat.send({ name: "c" }))).toBe(error);
    await until(() => end.server.activeCalls === 0);
  });

  test("transport.close() ends calls with Unavailable, refuses later ones, and may be repeated", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    await chat.receive();
    await end.transport.close();
    expect((await errorOf(chat.receive())).code).toBe(Code.Unavailable);
    const later = await errorOf(client.greet({}));
    expect(later).toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: "the transport is closed: make a new one",
    });
    expect((await errorOf(client.greetStream().receive())).code).toBe(Code.FailedPrecondition);
    await end.transport.close();
  });
});

describe.each(socketLinks)("a new connection over $name", (link) => {
  test("is made by the next call after a loss", async () => {
    await using end = await link.start({ cuttable: true, routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    await chat.receive();
    end.cut();
    await errorOf(chat.receive());
    expect((await client.greet({ name: "again" })).greeting).toBe("again");
  });

  test("serves all calls that were made while it was being made", async () => {
    const peers = new Set<string>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet({ name }, context) {
            peers.add(context.peer.address);
            return { greeting: name };
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    await Promise.all(Array.from({ length: 20 }, (_, i) => client.greet({ name: `${i}` })));
    expect(peers.size).toBe(1);
  });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

describe("addresses", () => {
  test("nothing listens: Unavailable says where and what to do", async () => {
    const port = await freePort();
    await using transport = createTransport(`tri://127.0.0.1:${port}`, { maxReconnectDelayMs: 0 });
    const client = createClient(GreetService, transport);
    const text = `can't connect to 127.0.0.1:${port}: nothing listens there: start the server, or correct the address`;
    expect(await errorOf(client.greet({}))).toMatchObject({ code: Code.Unavailable, rawMessage: text });
    const chat = client.greetStream();
    expect((await errorOf(chat.send({}))).rawMessage).toBe(text);
    expect((await errorOf(chat.responseHeader)).rawMessage).toBe(text);
    expect((await errorOf(client.greetClientStream([]))).rawMessage).toBe(text);
    await using missing = createTransport("unix:/nowhere/at/all");
    expect((await errorOf(createClient(GreetService, missing).greet({}))).rawMessage).toContain(
      "can't connect to unix:/nowhere/at/all: there is no such socket",
    );
  });

  test("several are tried in order, and a call finds the one that listens", async () => {
    const [dead, other] = [await freePort(), await freePort()];
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, greeter()),
    });
    await using transport = createTransport(`tri://127.0.0.1:${dead};${server.url}`);
    expect((await createClient(GreetService, transport).greet({ name: "a" })).greeting).toBe("a");
    await using none = createTransport(`tri://127.0.0.1:${dead};tri://127.0.0.1:${other}`);
    const error = await errorOf(createClient(GreetService, none).greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toMatch(
      new RegExp(
        `^none of 2 addresses can be reached: can't connect to 127\\.0\\.0\\.1:${dead}: .*; can't .*:${other}: `,
      ),
    );
  });

  test("group and version of the address hold for clients that name none", async () => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) =>
        r
          .service(GreetService, greeter("g1v2:"), { group: "g1", version: "2" })
          .service(GreetService, greeter("g3v2:"), { group: "g3", version: "2" }),
    });
    await using transport = createTransport(`${server.url}?group=g1&version=2`);
    expect((await createClient(GreetService, transport).greet({ name: "a" })).greeting).toBe("g1v2:a");
    const other = createClient(GreetService, transport, { group: "g3" });
    expect((await other.greet({ name: "a" })).greeting).toBe("g3v2:a");
  });

  test("a server that goes away in order is left for a new one at the same address", async () => {
    const started = happening();
    const go = happening();
    const routes = (tag: string) => ({
      host: "127.0.0.1",
      logger: quiet,
      routes: (r: Parameters<Parameters<typeof serve>[0]["routes"]>[0]) =>
        r.service(GreetService, {
          ...greeter(tag),
          async *greetServerStream() {
            started.tell();
            yield { greeting: `${tag} begins` };
            await go;
            yield { greeting: `${tag} ends` };
          },
        }),
    });
    const first = await serve({ ...routes("first"), port: 0 });
    await using transport = createTransport(first.url);
    const client = createClient(GreetService, transport);
    const stream = client.greetServerStream({});
    await started;
    expect((await stream.receive())?.greeting).toBe("first begins");
    const stopped = first.shutdown();
    await using second = await serve({ ...routes("second"), port: first.port });
    await until(() => second.port === first.port);
    let answer = "";
    while (answer !== "secondx") {
      answer = await client.greet({ name: "x" }).then(
        (m) => m.greeting,
        (error) => {
          expect(error).toMatchObject({ code: Code.Unavailable });
          return "";
        },
      );
    }
    go.tell();
    expect((await stream.receive())?.greeting).toBe("first ends");
    expect(await stream.receive()).toBeUndefined();
    expect(await stopped).toMatchObject({ cut: 0 });
  });
});
