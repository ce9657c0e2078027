// SPDX-License-Identifier: Apache-2.0
import { createUniversalHandlerClient } from "@connectrpc/connect/protocol";
import { createTransport as connectTransport } from "@connectrpc/connect/protocol-connect";
import { createTransport as grpcTransport } from "@connectrpc/connect/protocol-grpc";
import { createTransport as grpcWebTransport } from "@connectrpc/connect/protocol-grpc-web";
import { type Client, createClient, createTripleRouter, type Transport } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  type DispatchCase,
  dispatchCases,
  dispatchRoutes,
  expectedAnswer,
  refusal,
} from "./dispatch-cases.js";
import { all } from "./events.js";
import { everyLink } from "./every-link.js";

/** A way to the routes. */
interface Way {
  readonly name: string;
  open(): Promise<AsyncDisposable & { readonly transport: Transport }>;
}

const engine: readonly Way[] = everyLink.map((link) => ({
  name: `the engine over ${link.name}`,
  open: () => link.start({ routes: dispatchRoutes }),
}));

/** Connect's own handlers alone, as connect-node and the like mount them. */
const connect: readonly Way[] = [
  { name: "router.handlers by gRPC", make: grpcTransport },
  { name: "router.handlers by gRPC-Web", make: grpcWebTransport },
  { name: "router.handlers by Connect", make: connectTransport },
].map(({ name, make }) => ({
  name,
  async open() {
    const router = createTripleRouter({}, { shutdownSignal: new AbortController().signal });
    dispatchRoutes(router);
    return {
      transport: make({
        httpClient: createUniversalHandlerClient(router.handlers),
        baseUrl: "http://localhost",
        useBinaryFormat: true,
        interceptors: [],
        acceptCompression: [],
        sendCompression: null,
        compressMinBytes: 1024,
        readMaxBytes: 4_194_304,
        writeMaxBytes: 4_194_304,
      }),
      async [Symbol.asyncDispose]() {},
    };
  },
}));

const kinds: [method: string, call: (client: Client<typeof GreetService>) => Promise<string>][] = [
  ["Greet", async (client) => (await client.greet({ name: "x" })).greeting],
  ["GreetClientStream", async (client) => (await client.greetClientStream([{ name: "x" }])).greeting],
  [
    "GreetServerStream",
    async (client) => (await all(client.greetServerStream({ name: "x" })))[0]!.greeting.slice(0, -1),
  ],
  ["GreetStream", async (client) => (await all(client.greetStream([{ name: "x" }])))[0]!.greeting],
];

describe.each([...engine, ...connect])("dispatch by $name", (way) => {
  test.each(dispatchCases)("$title", async ({ asked, answeredBy, refused }: DispatchCase) => {
    await using end = await way.open();
    const client = createClient(GreetService, end.transport, asked);
    for (const [method, call] of kinds) {
      expect(await call(client).catch(refusal)).toEqual(expectedAnswer({ answeredBy, refused }, method));
    }
  });

  test("headers of a call come before the client's", async () => {
    await using end = await way.open();
    const client = createClient(GreetService, end.transport, { group: "g1" });
    const answer = await client.greet({ name: "x" }, { headers: { "tri-service-group": "" } });
    expect(answer.greeting).toBe("plain:x");
    const other = await client.greet({ name: "x" }, { headers: { "tri-service-version": "1.0.0" } });
    expect(other.greeting).toBe("g1v1:x");
  });
});

test("a router's handlers are one list, which has the services that are registered later", () => {
  const router = createTripleRouter({}, { shutdownSignal: new AbortController().signal });
  router.service(GreetService, {}, { group: "a" });
  const { handlers } = router;
  const methods = GreetService.methods.length;
  expect(handlers).toHaveLength(methods);
  router.service(GreetService, {}, { group: "b" });
  router.service(GreetService, {}, { interface: "org.example.Greeter" });
  expect(router.handlers).toBe(handlers);
  expect(handlers).toHaveLength(2 * methods);
});
