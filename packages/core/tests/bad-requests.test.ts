// SPDX-License-Identifier: Apache-2.0
// Requests that are refused by their headers: no handler runs, the answer says why, and the connection goes on.
// Mutant: core/src/dialects/grpc/grpc.ts # timeout !== undefined && timeoutMs === undefined ? timeoutFault(timeout) : null => null
// Mutant: core/src/protocol/quote.ts # text.length > longest => false
import { Code } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { quiet } from "./every-link.js";
import { envelope, type RawAnswer, RawClient } from "./raw-client.js";

const good = envelope(new Uint8Array());
const methods = ["Greet", "GreetServerStream", "GreetClientStream", "GreetStream"];

/** A server that counts how often its handlers run. */
async function start() {
  let runs = 0;
  const run = () => {
    runs++;
    return {} as never;
  };
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) =>
      r
        .service(GreetService, {
          greetServerStream: run,
          greetClientStream: run,
          greetStream: run,
          greet: run,
        })
        .service(GreetService, { greet: () => ({ greeting: "still here" }) }, { group: "well" }),
  });
  const client = new RawClient(server.port);
  return {
    client,
    /** The refusal was clean: nothing ran, nothing is left, and the same connection serves the next call. */
    async goesOn(): Promise<void> {
      const after = await client.call("/greet.GreetService/Greet", { "tri-service-group": "well" }, good);
      expect(after.trailer["grpc-status"]).toBe("0");
      expect(runs).toBe(0);
      expect(server.activeCalls).toBe(0);
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.shutdown({ graceMs: 0 });
    },
  };
}

function statusOf({ header, trailer }: RawAnswer): { code: string | undefined; text: string } {
  const all = { ...header, ...trailer } as Record<string, string | undefined>;
  return { code: all["grpc-status"], text: decodeURIComponent(all["grpc-message"] ?? "") };
}

describe("a content type that is none of gRPC", () => {
  test.each([
    ["text/plain"],
    [undefined],
    [""],
    ["application/json"],
    ["application/proto"],
    ["application/grpcx"],
    ["application/grpc-web"],
    ["application/grpc-web+proto"],
    ["application/grpc+thrift"],
    ["application/grpc+proto+json"],
    [`application/grpc+${"x".repeat(1000)}`],
  ])("%s is answered by HTTP 415 that says what is needed", async (type) => {
    await using end = await start();
    for (const method of methods) {
      const { header, body } = await end.client.call(
        `/greet.GreetService/${method}`,
        { "content-type": type },
        good,
      );
      expect(header[":status"]).toBe(415);
      expect(header["grpc-status"]).toBeUndefined();
      const given =
        type === undefined || type === ""
          ? "no content-type"
          : `content-type ${JSON.stringify(type).slice(0, 60)}`;
      expect(body.toString().startsWith(given)).toBe(true);
      expect(body.toString()).toMatch(
        /: application\/grpc, application\/grpc\+proto or application\/grpc\+json is needed\n$/,
      );
      expect(body.length).toBeLessThan(300);
    }
    await end.goesOn();
  });
});

test.each(["PUT", "PATCH", "OPTIONS"])("HTTP method %s is answered by 405 that says POST", async (verb) => {
  await using end = await start();
  const { header, body } = await end.client.call("/greet.GreetService/Greet", { ":method": verb }, good);
  expect(header[":status"]).toBe(405);
  expect(header.allow).toBe("POST");
  expect(body.toString()).toBe(`method "${verb}": POST is needed\n`);
  await end.goesOn();
});

describe("an invalid grpc-timeout", () => {
  test.each([
    [""],
    ["100"],
    ["m"],
    ["1x"],
    ["1s"],
    ["1h"],
    ["1ms"],
    ["-1S"],
    ["+1S"],
    ["1.5S"],
    ["1,5S"],
    ["1 S"],
    ["0x10S"],
    ["1e3m"],
    ["123456789m"],
    ["١S"],
    ["NaNm"],
    ["infinite"],
    ["9".repeat(500)],
  ])("%j gives InvalidArgument that says what is allowed", async (timeout) => {
    await using end = await start();
    for (const method of methods) {
      // Bytes, since HTTP/2 carries no others.
      const value = Buffer.from(timeout).toString("latin1");
      const answer = await end.client.call(`/greet.GreetService/${method}`, { "grpc-timeout": value }, good);
      const { code, text } = statusOf(answer);
      expect(code).toBe(String(Code.InvalidArgument));
      expect(text).toMatch(/^grpc-timeout is ".*": 1 to 8 digits and one of n u m S M H are allowed$/);
      expect(text).toContain(value.slice(0, 80));
      expect(text.length).toBeLessThan(200);
    }
    await end.goesOn();
  });
});

describe("a path that nobody serves", () => {
  test.each([
    ["/", 'unknown service "/": offered is greet.GreetService'],
    [
      "/greet.GreetService",
      'unknown service "/greet.GreetService": did you mean "greet.GreetService"? offered is greet.GreetService',
    ],
    [`/${"x".repeat(5000)}/Greet`, `unknown service "${"x".repeat(80)}…": offered is greet.GreetService`],
    [
      "/greet.GreetService/Gret",
      'unknown method "Gret" of greet.GreetService: did you mean "Greet"? offered are Greet, GreetStream, GreetClientStream, GreetServerStream',
    ],
    [
      `/greet.GreetService/${"%00".repeat(100)}`,
      `unknown method "${"%00".repeat(100).slice(0, 80)}…" of greet.GreetService: offered are Greet, GreetStream, GreetClientStream, GreetServerStream`,
    ],
  ])("%s gives Unimplemented that says what is offered", async (path, expected) => {
    await using end = await start();
    expect(statusOf(await end.client.call(path, {}, good))).toEqual({ code: "12", text: expected });
    await end.goesOn();
  });

  test("a group of kilobytes is not sent back whole", async () => {
    await using end = await start();
    const group = "g".repeat(5000);
    const answer = await end.client.call("/greet.GreetService/Greet", { "tri-service-group": group }, good);
    expect(statusOf(answer)).toEqual({
      code: "12",
      text: `no implementation of greet.GreetService/Greet for group "${"g".repeat(80)}…", no version: offered are no group and no version; group "well", no version`,
    });
    await end.goesOn();
  });

  test("of many groups and versions the first 20 are named, and how many more there are", async () => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes(r) {
        for (let i = 1; i <= 25; i++) r.service(GreetService, {}, { version: `${i}` });
      },
    });
    const client = new RawClient(server.port);
    const { code, text } = statusOf(await client.call("/greet.GreetService/Greet", {}, good));
    expect(code).toBe("12");
    expect(text).toMatch(/: offered are no group, version "1"; .*; no group, version "20"; and 5 more$/);
    await client.close();
  });
});
