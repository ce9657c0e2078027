// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles, also behind large messages that were let in and stop.
// Mutant: core/src/engine/call/server-call.ts # this.stop(new ConnectError(message, Code.ResourceExhausted));
// Mutant: core/src/engine/call/client-call.ts # stopped: ${message}`, Code.ResourceExhausted) => stopped: ${message}`, Code.Internal)
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createServer, createTransport } from "@tristream/core";
import { GreetRequestSchema, GreetResponseSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Connection } from "@tristream/http2";
import { memoryPair } from "@tristream/testing";
import { data } from "../../http2/tests/frames.js";
import { Random } from "../../http2/tests/random.js";
import { errorOf, happening, turns, until } from "./events.js";
import { quiet } from "./every-link.js";
import { FramingPeer } from "./framing-peer.js";
import { envelope } from "./raw-client.js";

const size = 4_000_000;
/** More than half of a stream's window: a message asks for its room when so much has come. */
const begun = 40_000;
/** A size that doesn't fit the budget beside four of {@link size}. */
const start = envelope(
  toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "x".repeat(size) })),
).subarray(0, begun);
const stopped =
  /^a message of 40000\d\d bytes gained less than 65536 within 30000 ms: .* \(option http2.frameTimeoutMs\)$/;

/** Lets the time of the option pass, as the runtime's clock would; a peer that has credit uses it meanwhile. */
async function pass(connection: Connection): Promise<void> {
  const now = performance.now();
  for (let ms = 0; ms <= 32_000; ms += 1000) {
    connection.advance(now + ms);
    await turns(5);
  }
}

test("four requests that stop end with ResourceExhausted at the server, and the fifth is served", async () => {
  const pair = memoryPair();
  const outcomes: unknown[] = [];
  const five = happening<number>();
  const server = createServer({
    logger: quiet,
    routes: (r) =>
      r.service(GreetService, {
        async greetClientStream(requests, context) {
          try {
            for await (const { name } of requests) five.tell(name.length);
          } catch (error) {
            outcomes.push(error, context.signal.reason);
            throw error;
          }
          return {};
        },
      }),
  });
  await server.ready;
  const connection = new Connection("server", pair.server);
  server.accept(connection);
  const peer = new FramingPeer(pair.client, "client", new Random(1));
  const answered: number[] = [];
  peer.onHeaders = (id) => answered.push(id);
  const call = (id: number): void => {
    const path = "/greet.GreetService/GreetClientStream";
    const fields = [":method", "POST", ":scheme", "http", ":path", path, ":authority", "test"];
    peer.headers(id, [...fields, "content-type", "application/grpc", "te", "trailers"]);
  };
  for (const id of [1, 3, 5, 7]) {
    call(id);
    pair.client.write(data(id, start));
  }
  call(9);
  peer.send(
    9,
    envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "y".repeat(size) }))),
  );
  await turns(20);
  expect(answered).toEqual([]);
  await pass(connection);
  expect(await five).toBe(size);
  await until(() => answered.includes(9));
  // The fifth one may come by trials, before the others are ended.
  expect(new Set(answered)).toEqual(new Set([1, 3, 5, 7, 9]));
  expect(outcomes).toHaveLength(8);
  for (const error of outcomes) {
    expect(error).toBeInstanceOf(ConnectError);
    expect((error as ConnectError).code).toBe(Code.ResourceExhausted);
    expect((error as ConnectError).rawMessage).toMatch(stopped);
  }
  await server.shutdown({ graceMs: 0 });
});

test("a response that stops ends its call with ResourceExhausted, and says so", async () => {
  const pair = memoryPair();
  const connection = new Connection("client", pair.client);
  const transport = createTransport(connection);
  const client = createClient(GreetService, transport);
  const peer = new FramingPeer(pair.server, "server", new Random(1));
  const whole = envelope(
    toBinary(GreetResponseSchema, create(GreetResponseSchema, { greeting: "y".repeat(size) })),
  );
  let calls = 0;
  peer.onHeaders = (id) => {
    peer.headers(id, [":status", "200", "content-type", "application/grpc"]);
    if (++calls < 5) pair.server.write(data(id, whole.subarray(0, begun)));
    else peer.send(id, whole, ["grpc-status", "0"]);
  };
  const failed = Array.from({ length: 4 }, () => errorOf(client.greet({})));
  const fifth = client.greet({});
  await until(() => calls === 5);
  await turns(20);
  await pass(connection);
  expect((await fifth).greeting.length).toBe(size);
  for (const error of await Promise.all(failed)) {
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.rawMessage).toMatch(/^memory:server stopped: a message of 4000010 bytes gained less/);
  }
  await transport.close();
});
