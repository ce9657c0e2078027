// SPDX-License-Identifier: Apache-2.0
// Promise 10: errors are seen. An option that is unknown or of the wrong type is refused where it is given, with what to do.
// Mutant: core/src/options/check-options.ts # if (!Object.hasOwn(kinds, name)) return unknownOption(owner, name, kinds); => if (!Object.hasOwn(kinds, name)) continue;
// Mutant: core/src/options/check-options.ts # if (value === undefined) continue;
// Mutant: core/src/options/check-options.ts # if (!kind.accepts(value)) => if (false)
// Mutant: core/src/options/check-options.ts # kind.partOf?.(value) ?? {  => {
// Mutant: core/src/options/check-options.ts # if (inside !== undefined) { => if (false) {
// Mutant: core/src/options/number-options.ts # typeof value === "number" && value >= least => (value as number) >= least
// Mutant: node/src/socket-connector.ts # typeof value === "number" && value >= 0 && => (value as number) >= 0 &&
// Mutant: core/src/server/lifecycle/create-server.ts # return typeof given === "number" && !Number.isNaN(given) ? given : => return !Number.isNaN(given) ? (given as number) :
// Mutant: core/src/server/lifecycle/create-server.ts # if (options.routes !== undefined) return; => return;
// Mutant: core/src/client/call/call.ts # if (fault !== null) this.cancel(fault);
// Mutant: core/src/client/api/create-client.ts # if (typeof transport === "string") { => if (false) {
// Mutant: node/src/http2-options.ts # if (given !== undefined) checkOptions(`http2 of ${owner}`, given, kinds);
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  createClient,
  createTransport,
  mount,
  type ServerHandle,
  serve,
  type TripleRouter,
} from "@tristream/node";
import { createClock, loopback } from "@tristream/testing";
import { until } from "../../core/tests/events.js";
import { greeter } from "../../core/tests/greeter.js";

const routes = (r: TripleRouter) => r.service(GreetService, greeter());
const address = "tri://127.0.0.1:1";

let server: ServerHandle;
beforeAll(async () => {
  server = await serve({ host: "127.0.0.1", port: 0, routes });
});
afterAll(() => server.shutdown({ graceMs: 0 }));

/** The text of the `InvalidArgument` that a function throws or rejects with. */
async function refusal(make: () => unknown): Promise<string> {
  const error: unknown = await (async () => make())().then(
    () => "was not refused",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  expect((error as ConnectError).code).toBe(Code.InvalidArgument);
  return (error as ConnectError).rawMessage;
}

/** Options as an untyped program gives them. */
// biome-ignore lint/suspicious/noExplicitAny: the test is what the types would forbid
type Untyped = any;

const places: readonly [string, string, (options: Untyped) => unknown][] = [
  ["serve", "serve", (options) => serve({ host: "127.0.0.1", port: 0, routes, ...options })],
  ["createTransport", "createTransport", (options) => createTransport(address, options)],
  [
    "createClient",
    "createClient",
    (options) => createClient(GreetService, createTransport(address), options),
  ],
  [
    "a registration of a service",
    "router.service(GreetService)",
    (options) => mount((r) => r.service(GreetService, {}, options))({ handlers: [] } as Untyped),
  ],
  [
    "a registration of a method",
    "router.rpc(Greet)",
    (options) =>
      mount((r) => r.rpc(GreetService.method.greet, () => ({}), options))({ handlers: [] } as Untyped),
  ],
  ["mount", "mount", (options) => mount(routes, options)],
  [
    "a unary call",
    "greet.GreetService/Greet",
    (options) => createClient(GreetService, createTransport(server.url)).greet({}, options),
  ],
  [
    "a server stream",
    "greet.GreetService/GreetServerStream",
    (options) =>
      createClient(GreetService, createTransport(server.url)).greetServerStream({}, options).receive(),
  ],
  [
    "a client stream",
    "greet.GreetService/GreetClientStream",
    (options) => createClient(GreetService, createTransport(server.url)).greetClientStream([], options),
  ],
  [
    "a bidi stream",
    "greet.GreetService/GreetStream",
    (options) => createClient(GreetService, createTransport(server.url)).greetStream([], options).receive(),
  ],
];

describe.each(places)("%s", (_what, owner, give) => {
  test("refuses an option that it does not have, and lists those that it has", async () => {
    expect(await refusal(() => give({ quite: 1 }))).toMatch(
      new RegExp(`^${owner.replaceAll(/[().]/g, "\\$&")} has no option "quite": options are \\w+, .+`),
    );
  });

  test("refuses a certificate, and says where it belongs", async () => {
    const where = ["serve", "createTransport"].includes(owner)
      ? "but its option tls has: pass { tls: { cert: … } }"
      : "TLS is the option tls of serve and createTransport (@tristream/node)";
    expect(await refusal(() => give({ cert: "x" }))).toMatch(
      new RegExp(
        `^${owner.replaceAll(/[().]/g, "\\$&")} has no option "cert"[:,] ${where.replaceAll(/[(){}]/g, "\\$&")}$`,
      ),
    );
  });

  test("takes an unknown option that is undefined", async () => {
    const made = await give({ quite: undefined });
    if (typeof made === "object" && made !== null && "shutdown" in made)
      await (made as ServerHandle).shutdown({ graceMs: 0 });
  });
});

test.each([
  ["serve", { prot: 1 }, 'serve has no option "prot": did you mean "port"?'],
  ["serve", { readMaxByte: 1 }, 'serve has no option "readMaxByte": did you mean "readMaxBytes"?'],
  ["serve", { host: 5 }, "option host of serve is 5: pass a string, or leave it out"],
  ["serve", { http2: 5 }, "option http2 of serve is 5: pass an object, or leave it out"],
  ["serve", { http2: { pingrate: 1 } }, 'http2 of serve has no option "pingrate": did you mean "pingRate"?'],
  ["serve", { compressResponses: "yes" }, 'option compressResponses of serve is "yes": pass true or false'],
  ["serve", { logger: () => {} }, "option logger of serve is a function: pass an object with the functions"],
  ["serve", { clock: Date }, "option clock of serve is a function: pass a clock with now() and after()"],
  ["serve", { interceptors: {} }, "option interceptors of serve is an object of class Object: pass an array"],
  [
    "serve",
    { acceptCompression: ["gzip"] },
    'option acceptCompression[0] of serve is "gzip": pass a compression, such as compressionGzip',
  ],
  [
    "serve",
    { interceptors: [(next: unknown) => next, 5] },
    "option interceptors[1] of serve is 5: pass an interceptor, which is a function",
  ],
  ["serve", { routes: undefined }, "option routes of serve is undefined: pass (router) => router.service(…)"],
  ["serve", { routes: {} }, "option routes of serve is an object of class Object: pass (router) =>"],
  [
    "serve",
    { maxQueuedBytes: 5 },
    'serve has no option "maxQueuedBytes", but its option http2 has: pass { http2: {',
  ],
  ["serve", { readMaxBytes: "5000" }, 'option readMaxBytes of serve is "5000": pass an integer from 1 to'],
  ["serve", { readMaxElements: "5000" }, 'option readMaxElements of serve is "5000": pass an integer'],
  ["serve", { maxConnections: "5" }, 'option maxConnections of serve is "5": pass an integer'],
  ["serve", { maxHeldBytes: "5000" }, 'option maxHeldBytes of serve is "5000": pass an integer'],
  ["serve", { stuckHandlerMs: "300" }, 'option stuckHandlerMs of serve is "300": pass milliseconds above 0'],
  ["serve", { maxTimeoutMs: "5" }, 'option maxTimeoutMs of serve is "5": pass milliseconds above 0'],
  [
    "serve",
    { http2: { maxQueuedBytes: "5" } },
    'option http2.maxQueuedBytes of serve is "5": pass an integer',
  ],
  ["createTransport", { keepaliveMs: 5 }, "but its option http2 has: pass { http2: { keepaliveMs: … } }"],
  [
    "createTransport",
    { connectTimeoutMs: "50" },
    'option connectTimeoutMs of createTransport is "50": pass milliseconds above 0',
  ],
  [
    "createTransport",
    { connectTimeoutMs: true },
    "option connectTimeoutMs of createTransport is true: pass milliseconds above 0",
  ],
  [
    "createTransport",
    { maxReconnectDelayMs: "5" },
    'option maxReconnectDelayMs of createTransport is "5": pass milliseconds from 0',
  ],
  ["createTransport", { useJson: 1 }, "option useJson of createTransport is 1: pass true or false"],
  [
    "createTransport",
    { sendCompression: "gzip" },
    'option sendCompression of createTransport is "gzip": pass a',
  ],
  [
    "createTransport",
    { conectTimeoutMs: 1 },
    'has no option "conectTimeoutMs": did you mean "connectTimeoutMs"?',
  ],
  ["createTransport", null, "the options of createTransport are null: pass an object, or leave them out"],
  ["createClient", { group: 5 }, "option group of createClient is 5: pass a string, or leave it out"],
  ["createClient", { version: 1.0 }, "option version of createClient is 1: pass a string, or leave it out"],
  [
    "createClient",
    { interface: {} },
    "option interface of createClient is an object of class Object: pass a string",
  ],
  ["createClient", { timeoutMs: "5" }, 'option timeoutMs of createClient is "5": pass milliseconds'],
  ["createClient", { timeout: 5 }, 'createClient has no option "timeout": did you mean "timeoutMs"?'],
  [
    "createClient",
    { methods: { gret: {} } },
    'methods of createClient has no option "gret": did you mean "greet"?',
  ],
  [
    "createClient",
    { methods: { greet: { timeout: 5 } } },
    'method greet of createClient has no option "timeout"',
  ],
  ["a registration of a service", { group: 5 }, "option group of router.service(GreetService) is 5: pass a"],
  ["a registration of a service", { grup: "a" }, 'has no option "grup": did you mean "group"?'],
  [
    "a unary call",
    null,
    "the options of greet.GreetService/Greet are null: pass an object, or leave them out",
  ],
  ["a unary call", 5, "the options of greet.GreetService/Greet are 5: pass an object, or leave them out"],
  ["a server stream", null, "the options of greet.GreetService/GreetServerStream are null: pass an object"],
  ["a client stream", 5, "the options of greet.GreetService/GreetClientStream are 5: pass an object"],
  [
    "a unary call",
    { timeoutMs: "5" },
    'option timeoutMs of greet.GreetService/Greet is "5": pass milliseconds',
  ],
  [
    "a unary call",
    { onHeader: {} },
    "option onHeader of greet.GreetService/Greet is an object of class Object",
  ],
  [
    "a unary call",
    { contextValues: new Map([]).keys() },
    "option contextValues of greet.GreetService/Greet is",
  ],
  ["a unary call", { header: {} }, 'has no option "header": did you mean "headers"?'],
])("%s refuses %j", async (place, options, text) => {
  const [, , give] = places.find(([name]) => name === place)!;
  expect(await refusal(() => give(options as Untyped))).toContain(text);
});

test.each([
  [
    () => createTransport(undefined as Untyped),
    "the address of createTransport is undefined: pass tri://host:port",
  ],
  [() => createTransport(5 as Untyped), "the address of createTransport is 5: pass tri://host:port"],
  [
    () => createTransport({ baseUrl: address } as Untyped),
    "of createTransport is an object of class Object: pass tri",
  ],
  [() => serve(undefined as Untyped), "the options of serve are undefined: pass an object"],
  [() => serve(8080 as Untyped), "the options of serve are 8080: pass an object"],
  [
    () => createClient(GreetService, address as Untyped),
    `the transport of createClient is "${address}": pass createTransport("${address}")`,
  ],
  [
    () => createClient(GreetService, undefined as Untyped),
    "the transport of createClient is undefined: pass a transport",
  ],
  [
    () => createClient(GreetService, {} as Untyped),
    "the transport of createClient is an object of class Object: pass",
  ],
  [
    () => createClient(undefined as Untyped, createTransport(address)),
    "the service of createClient is undefined: pass a",
  ],
  [
    () => createClient("greet" as Untyped, createTransport(address)),
    'the service of createClient is "greet": pass a',
  ],
  [() => mount(undefined as Untyped), "routes of mount is undefined: pass (router) => router.service(…)"],
  [
    () => serve({ host: "127.0.0.1", port: 0, routes: (r) => r.service(undefined as Untyped, {}) }),
    "the service of router.service is undefined: pass a generated service",
  ],
  [
    () => serve({ host: "127.0.0.1", port: 0, routes: (r) => r.service(GreetService, undefined as Untyped) }),
    "the implementation of greet.GreetService is undefined: pass an object with a function for each method",
  ],
  [
    () => serve({ host: "127.0.0.1", port: 0, routes: (r) => r.rpc("Greet" as Untyped, () => ({})) }),
    'the method of router.rpc is "Greet": pass a method of a generated service',
  ],
])("%s is refused with %j", async (make, text) => {
  expect(await refusal(make as () => unknown)).toContain(text);
});

test("a call without its message says so, and one with an empty message is made", async () => {
  await using transport = createTransport(server.url);
  const client = createClient(GreetService, transport) as Untyped;
  expect(await refusal(() => client.greet())).toBe(
    "greet.GreetService/Greet was called without a message: pass one of type greet.GreetRequest, or {} for an empty one",
  );
  expect(await refusal(() => client.greetServerStream().receive())).toMatch(
    /^greet\.GreetService\/GreetServerStream was called without a message: pass one of type greet\.Greet\w+, or \{\}/,
  );
  await client.greet({});
});

test("a message is refused with an option that it does not have, and the call goes on", async () => {
  await using transport = createTransport(server.url);
  const upload = createClient(GreetService, transport).greetClientStream();
  expect(await refusal(() => upload.send({ name: "a" }, { compres: true } as Untyped))).toBe(
    'send() of greet.GreetService/GreetClientStream has no option "compres": did you mean "compress"? options are compress',
  );
  await upload.send({ name: "b" });
  expect((await upload.closeAndReceive()).greeting).toBe("b");
});

test.each([{ graceMs: "soon" }, { graceMs: {} }, { graceMs: null }, { grace: 5 }, 5, null])(
  "a shutdown with the options %j logs the fault, and cuts what is left after the default time",
  async (options) => {
    const lines: string[] = [];
    const clock = createClock();
    const logger = { error() {}, warn: (line: string) => void lines.push(line), info() {}, debug() {} };
    await using end = loopback({
      logger,
      clock,
      routes: (r) => r.service(GreetService, { greet: () => new Promise<never>(() => {}) }),
    });
    const call = createClient(GreetService, end.transport)
      .greet({})
      .catch((error: ConnectError) => error.code);
    await until(() => end.server.activeCalls === 1);
    const stopped = end.server.shutdown(options as Untyped);
    await clock.advance(9_999);
    expect(end.server.activeCalls).toBe(1);
    await clock.advance(1);
    expect(await call).toBe(Code.Unavailable);
    expect(lines).toEqual([
      expect.stringMatching(/shutdown.*; the server shuts down with the default graceMs$/),
    ]);
    await clock.advance(60_000);
    expect((await stopped).cut).toBe(1);
  },
);
