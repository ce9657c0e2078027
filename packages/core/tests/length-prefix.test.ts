// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. A length prefix allocates nothing until bytes arrive.
// Mutant: core/src/engine/message/envelope-reader.ts # if (length > this.maxBytes) { => if (length > this.maxBytes) { return undefined as never;
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Code } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { ping } from "../../http2/tests/frames.js";
import { errorOf, until } from "./events.js";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { goodHead, startRawServer } from "./raw-server.js";
import { RawSocket } from "./raw-socket.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const MiB = 1024 * 1024;
/** The limit's worth, and nothing behind it. */
const prefix = Uint8Array.of(0, 0, 0x40, 0, 0);
/** More than the limit. */
const tooLarge = Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff);

function arrayBuffers(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

describe("200 prefixes that announce 4 MiB each", () => {
  test("cost a server next to nothing", async () => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, greeter()),
    });
    using client = await RawSocket.open(server.port);
    client.call(1, "/greet.GreetService/GreetClientStream");
    await until(() => server.activeCalls === 1);
    const before = arrayBuffers();
    for (let i = 0; i < 200; i++) {
      client.call(2 * i + 3, "/greet.GreetService/GreetClientStream");
      client.data(2 * i + 3, prefix);
    }
    client.write(ping("last one"));
    await client.line("PING ACK");
    expect(server.activeCalls).toBe(201);
    expect(arrayBuffers() - before).toBeLessThan(4 * MiB);
  });

  test("cost a client next to nothing", async () => {
    let answered = 0;
    await using end = await startRawServer((stream) => {
      stream.respond(goodHead);
      stream.write(prefix, () => {
        answered++;
      });
    });
    const streams = [end.client.greetServerStream({})];
    await streams[0]!.responseHeader;
    const before = arrayBuffers();
    for (let i = 0; i < 99; i++) streams.push(end.client.greetServerStream({}));
    for (const stream of streams) await stream.responseHeader;
    await until(() => answered === 100);
    expect(arrayBuffers() - before).toBeLessThan(4 * MiB);
    for (const stream of streams) stream.cancel();
  });
});

describe("a prefix that announces 4 GiB", () => {
  test("is refused by a server before a byte of it has come, and the connection goes on", async () => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, greeter()),
    });
    using client = await RawSocket.open(server.port);
    client.call(1, "/greet.GreetService/GreetClientStream");
    client.data(1, tooLarge);
    expect(await client.line("HEADERS 1")).toBe("HEADERS 1 END_STREAM");
    await client.line("RST_STREAM 1 NO_ERROR");
    client.call(3, "/greet.GreetService/GreetClientStream", [], true);
    expect(await client.line("HEADERS 3")).toBe("HEADERS 3");
    await client.line("HEADERS 3 END_STREAM");
  });

  test("is refused by a client, which resets", async () => {
    let code: number | undefined;
    await using end = await startRawServer((stream) => {
      stream.respond(goodHead);
      stream.write(tooLarge);
      stream.on("close", () => {
        code = stream.rstCode;
      });
    });
    const error = await errorOf(end.client.greet({}));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.rawMessage).toContain("message of 4294967295 bytes is larger than the limit of 4194304");
    await until(() => code !== undefined);
    expect(code).toBe(8);
  });
});
