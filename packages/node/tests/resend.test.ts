// SPDX-License-Identifier: Apache-2.0
// Promise 5: what was refused before anybody saw it is made again, once; what may have run never is.
import { once } from "node:events";
import { createServer, type Http2Session, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer as createSocketServer, type Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { GreetResponseSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";

/** The server's action on a stream, by its number from 1 over all connections. */
type Behaviour = (stream: ServerHttp2Stream, n: number) => void;

const refused = 7;

/** A server of node:http2 that acts as the test says. */
async function rawServer(behave: Behaviour) {
  const sessions: Http2Session[] = [];
  let streams = 0;
  const server = createServer();
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    behave(stream, ++streams);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `tri://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get streams() {
      return streams;
    },
    get connections() {
      return sessions.length;
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Answers one message and a good status, once the request has ended. */
function answer(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    const message = toBinary(GreetResponseSchema, create(GreetResponseSchema, { greeting: "at last" }));
    const envelope = Buffer.alloc(5 + message.length);
    envelope.writeUInt32BE(message.length, 1);
    envelope.set(message, 5);
    stream.end(envelope);
  });
}

async function codeOf(promise: PromiseLike<unknown>): Promise<Code> {
  try {
    await promise;
  } catch (error) {
    return ConnectError.from(error).code;
  }
  throw new Error("it did not fail");
}

describe("a call that the peer's HTTP/2 refused", () => {
  test.each(["greet", "greetServerStream", "array", "handle"] as const)("is made again: %s", async (kind) => {
    await using server = await rawServer((stream, n) => (n === 1 ? stream.close(refused) : answer(stream)));
    await using transport = createTransport(server.url);
    const client = createClient(GreetService, transport);
    const calls = {
      greet: () => client.greet({}),
      greetServerStream: () => client.greetServerStream({}).receive(),
      array: () => client.greetClientStream([{ name: "a" }, { name: "b" }]),
      handle: () => client.greetClientStream().closeAndReceive(),
    };
    expect((await calls[kind]())?.greeting).toBe("at last");
    expect(server.streams).toBe(2);
    expect(server.connections).toBe(1);
  });

  test("goes to a new connection when the old one is going away", async () => {
    const backing = createServer();
    backing.on("stream", answer);
    const sockets: Socket[] = [];
    const server = createSocketServer((socket) => {
      sockets.push(socket);
      if (sockets.length > 1) {
        backing.emit("connection", socket);
        return;
      }
      const settings = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
      // Its last stream id is 0: the request, on stream 1, has surely not been looked at.
      const goAway = Uint8Array.of(0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      socket.once("data", () => socket.write(Buffer.concat([settings, goAway])));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await using transport = createTransport(`tri://127.0.0.1:${port}`);
    expect((await createClient(GreetService, transport).greet({})).greeting).toBe("at last");
    expect(sockets).toHaveLength(2);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test("is made again once, and then fails", async () => {
    await using server = await rawServer((stream) => stream.close(refused));
    await using transport = createTransport(server.url);
    expect(await codeOf(createClient(GreetService, transport).greet({}))).toBe(Code.Unavailable);
    expect(server.streams).toBe(2);
  });

  test("is not made again when its messages came from an iterator that was asked", async () => {
    await using server = await rawServer((stream) => stream.close(refused));
    await using transport = createTransport(server.url);
    let asked = 0;
    const names = async function* () {
      asked++;
      yield { name: "a" };
    };
    const client = createClient(GreetService, transport);
    expect(await codeOf(client.greetClientStream(names()))).toBe(Code.Unavailable);
    expect([server.streams, asked]).toEqual([1, 1]);
  });

  test("is not made again once it was cancelled", async () => {
    const controller = new AbortController();
    await using server = await rawServer((stream) => {
      controller.abort();
      stream.close(refused);
    });
    await using transport = createTransport(server.url);
    const call = createClient(GreetService, transport).greet({}, { signal: controller.signal });
    expect(await codeOf(call)).toBe(Code.Canceled);
    expect(server.streams).toBe(1);
  });
});

describe("a call that may have run is not made again", () => {
  test.each([
    ["reset by INTERNAL_ERROR", (stream: ServerHttp2Stream) => stream.close(2)],
    ["reset by CANCEL", (stream: ServerHttp2Stream) => stream.close(8)],
    ["the socket is gone", (stream: ServerHttp2Stream) => stream.session!.destroy()],
    ["GOAWAY that includes it, and the end", (stream: ServerHttp2Stream) => stream.session!.close(() => {})],
  ])("%s", async (what, behave) => {
    await using server = await rawServer((stream) => {
      behave(stream);
      if (what.startsWith("GOAWAY")) stream.close(2);
    });
    await using transport = createTransport(server.url);
    await codeOf(createClient(GreetService, transport).greet({}));
    expect(server.streams).toBe(1);
  });
});
