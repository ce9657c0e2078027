// SPDX-License-Identifier: Apache-2.0
// Connect's options of the two formats: of a transport, a server, a registration and a mount.
import { create } from "@bufbuild/protobuf";
import {
  Code,
  createClient,
  type ServeOptions,
  type TransportOptions,
  type TripleRouter,
} from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport, serve } from "@tristream/node";
import { messageCodec } from "../src/engine/message/message-codec.js";
import { errorOf } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { mounts } from "./mounts.js";
import { envelope, RawClient } from "./raw-client.js";

const memory = everyLink.at(-1);

/** A request with a field that the schema does not know. */
function requestOfTomorrow() {
  const request = create(GreetRequestSchema, { name: "a" });
  request.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }];
  return request;
}

/** Says what has come of a request with an unknown field; the answer has one too. */
const counting = {
  greet: (request: { $unknown?: unknown[] | undefined }) => ({
    greeting: `${request.$unknown?.length ?? 0} unknown`,
  }),
};

async function greetingWith(
  server: ServeOptions,
  registration: ServeOptions,
  transport: TransportOptions,
): Promise<string> {
  await using end = await memory!.start({
    ...server,
    transport,
    routes: (router) => router.service(GreetService, counting, registration),
  });
  return (await createClient(GreetService, end.transport).greet(requestOfTomorrow())).greeting;
}

const drop = { binaryOptions: { readUnknownFields: false } };

test.each([
  ["they are kept by default", {}, {}, {}, "1 unknown"],
  ["they are kept with empty options", { binaryOptions: {} }, {}, { binaryOptions: {} }, "1 unknown"],
  ["a server drops them", drop, {}, {}, "0 unknown"],
  ["a registration drops them", {}, drop, {}, "0 unknown"],
  ["a registration keeps what its server drops", drop, { binaryOptions: {} }, {}, "1 unknown"],
  ["a transport does not send them", {}, {}, { binaryOptions: { writeUnknownFields: false } }, "0 unknown"],
])("unknown fields of binary messages: %s", async (_what, server, registration, transport, expected) => {
  expect(await greetingWith(server, registration, transport)).toBe(expected);
});

test("a transport that reads no unknown fields has none in answers", async () => {
  await using end = await memory!.start({
    routes: (router) =>
      router.service(GreetService, {
        greet: (request) => ({ greeting: "a", $unknown: request.$unknown }) as never,
      }),
    transport: drop,
  });
  expect(await createClient(GreetService, end.transport).greet(requestOfTomorrow())).not.toHaveProperty(
    "$unknown",
  );
});

test("binary options, be they empty, leave messages to protobuf-es", () => {
  const schema = GreetRequestSchema;
  // Only the compiled codec writes in place.
  expect(messageCodec(schema, "proto", {}).direct).toBeDefined();
  expect(messageCodec(schema, "proto", { binaryOptions: {} }).direct).toBeUndefined();
  expect(messageCodec(schema, "proto", drop).direct).toBeUndefined();
});

const strict = { jsonOptions: { ignoreUnknownFields: false } };
const lenient = { jsonOptions: {} };
/** JSON with a field that GreetRequest does not have. */
const body = Buffer.from('{"name":"a","other":1}');

const cases: readonly (readonly [string, ServeOptions, ServeOptions, boolean])[] = [
  ["ignored by default", {}, {}, true],
  ["ignored with empty options", lenient, lenient, true],
  ["refused by a server", strict, {}, false],
  ["refused by a registration", {}, strict, false],
  ["ignored by a registration of a server that refuses them", strict, lenient, true],
];

test.each(cases)(
  "unknown fields of JSON in gRPC frames are %s",
  async (_what, options, registration, taken) => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      ...options,
      routes: (router) => router.service(GreetService, counting, registration),
    });
    const client = new RawClient(server.port);
    const type = { "content-type": "application/grpc+json" };
    const { header, trailer } = await client.call("/greet.GreetService/Greet", type, envelope(body));
    const status = { ...header, ...trailer };
    expect(status["grpc-status"]).toBe(String(taken ? 0 : Code.InvalidArgument));
    const unknown = expect.stringContaining('key "other" is unknown');
    expect(status["grpc-message"]).toEqual(taken ? undefined : unknown);
    await client.close();
  },
);

test.each(cases)(
  "unknown fields of JSON under a mount are %s",
  async (_what, options, registration, taken) => {
    await using mounted = await mounts[0]!.start({
      ...options,
      routes: (router) => router.service(GreetService, counting, registration),
    });
    const answer = await fetch(`http://127.0.0.1:${mounted.port}/greet.GreetService/Greet`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(answer.status).toBe(taken ? 200 : 400);
    await answer.text();
  },
);

test("JSON of a transport is written as its options say", async () => {
  let bytes = "";
  await using end = await memory!.start({
    routes: (router) => router.service(GreetService, counting),
    transport: { useJson: true, jsonOptions: { alwaysEmitImplicit: true } },
    tap(chunk, direction) {
      if (direction === "client-to-server") bytes += Buffer.from(chunk).toString("latin1");
    },
  });
  await createClient(GreetService, end.transport).greet({});
  expect(bytes).toContain('{"name":""}');
});

test("what is no message is refused by either codec, in the same words", async () => {
  for (const transport of [{}, { binaryOptions: {} }]) {
    await using end = await memory!.start({
      routes: (router) => router.service(GreetService, counting),
      transport,
    });
    const client = createClient(GreetService, end.transport);
    const error = await errorOf(client.greet({ name: Symbol("s") } as never));
    expect([error.code, error.rawMessage]).toEqual([
      Code.Internal,
      expect.stringContaining("message can't be serialised"),
    ]);
  }
});

test.each([
  [{ jsonOptions: null }, "option jsonOptions of OWNER is null"],
  [{ jsonOptions: "x" }, 'option jsonOptions of OWNER is "x"'],
  [{ jsonOptions: [] }, "option jsonOptions of OWNER is an array"],
  [{ binaryOptions: null }, "option binaryOptions of OWNER is null"],
  [{ binaryOptions: 3 }, "option binaryOptions of OWNER is 3"],
  [{ jsonOptions: { registry: [GreetRequestSchema] } }, "option jsonOptions.registry of OWNER is an array"],
])("%j is refused by servers, registrations and transports at once", async (options, text) => {
  const by = (owner: string) => ({
    code: Code.InvalidArgument,
    rawMessage: expect.stringContaining(`${text.replace("OWNER", owner)}: pass `),
  });
  const wrong = options as ServeOptions;
  const address = { host: "127.0.0.1", port: 0, logger: quiet };
  const register = (given: ServeOptions) => (router: TripleRouter) =>
    router.service(GreetService, counting, given);
  expect(await errorOf(serve({ ...address, ...wrong, routes: register({}) }))).toMatchObject(by("serve"));
  expect(await errorOf(serve({ ...address, routes: register(wrong) }))).toMatchObject(
    by("router.service(GreetService)"),
  );
  expect(() => createTransport("tri://127.0.0.1:1", wrong as TransportOptions)).toThrow(
    expect.objectContaining(by("createTransport")),
  );
});

test("an option that is undefined is one that is not given", async () => {
  const nothing = { readUnknownFields: undefined, writeUnknownFields: undefined };
  const given = { binaryOptions: nothing, jsonOptions: { ignoreUnknownFields: undefined } } as never;
  expect(await greetingWith(given, {}, given)).toBe("1 unknown");
});
