// SPDX-License-Identifier: Apache-2.0
// Compiled by tsconfig.tests.json, never run: what must and what must not type-check.
import type { StringValue } from "@bufbuild/protobuf/wkt";
import type {
  CallOptions,
  Client as ConnectClient,
  ConnectRouter,
  HandlerContext,
  ServiceImpl,
} from "@connectrpc/connect";
import type {
  BidiStream,
  BroadcastOptions,
  CallHooks,
  ChannelOptions,
  Client,
  ClientOptions,
  ClientStream,
  MethodOptions,
  MountOptions,
  SendOptions,
  Server,
  ServerOptions,
  ServerStream,
  SubscribeOptions,
  TransportOptions,
  TripleCallOptions,
  TripleContext,
  TripleMethodImpl,
  TripleRouteOptions,
  TripleRouter,
  TripleServiceImpl,
} from "@tristream/core";
import { createClient, driven, type Interceptor, observe, peerOf, type Transport } from "@tristream/core";
import type {
  GreetClientStreamResponse,
  GreetRequest,
  GreetResponse,
  GreetServerStreamRequest,
  GreetStreamRequest,
  GreetStreamResponse,
} from "@tristream/gen/greet/greet_pb.js";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import type { Http2Options } from "@tristream/http2";
import type {
  ClientTlsOptions,
  ServeOptions as NodeServeOptions,
  TransportOptions as NodeTransportOptions,
} from "@tristream/node";
import type { LoopbackOptions } from "@tristream/testing";
import { Odd } from "./inherited-names.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_yes: Same<A, B>): void {}

declare const transport: Transport;
declare const client: Client<typeof GreetService>;
declare const router: TripleRouter;
declare const stock: ServiceImpl<typeof GreetService>;
declare function names(): AsyncIterable<{ name: string }>;

// Calls, by kind.
const unary = client.greet({ name: "a" });
same<typeof unary, Promise<GreetResponse>>(true);
const down = client.greetServerStream({ name: "a" }, { timeoutMs: 1 });
down satisfies ServerStream<{ greeting: string }>;

// Client streaming: an iterable gives the answer, none a handle.
const answer = client.greetClientStream(names());
same<typeof answer, Promise<GreetClientStreamResponse>>(true);
client.greetClientStream([{ name: "a" }], { headers: {} }) satisfies Promise<GreetClientStreamResponse>;
const upload = client.greetClientStream();
upload satisfies ClientStream<{ name: string }, GreetClientStreamResponse>;
client.greetClientStream({ timeoutMs: 1 }) satisfies ClientStream<
  { name: string },
  GreetClientStreamResponse
>;
// @ts-expect-error a message is no iterable of messages
client.greetClientStream({ name: "a" });
// @ts-expect-error the messages have another type
client.greetClientStream([{ name: 1 }]);
// @ts-expect-error a handle takes messages of the method
void upload.send({ greeting: "a" });

// Bidi streaming.
const chat = client.greetStream();
chat satisfies BidiStream<{ name: string }, GreetStreamResponse>;
const echo = client.greetStream(names());
same<typeof echo, ServerStream<GreetStreamResponse>>(true);
// @ts-expect-error the iterable form has nothing to send
void echo.send;
// @ts-expect-error unary calls need a message
void client.greet();

// Options of methods are keyed by the service's local names.
createClient(GreetService, transport, { methods: { greet: { timeoutMs: 1 }, greetStream: {} } });
// @ts-expect-error there is no such method
createClient(GreetService, transport, { methods: { greets: { timeoutMs: 1 } } });
// @ts-expect-error there is no such option
createClient(GreetService, transport, { methods: { greet: { timeout: 1 } } });

// Routers.
router.service(GreetService, stock, { group: "g" });
router.service(GreetService, stock);
router.service(GreetService, stock, { jsonOptions: { ignoreUnknownFields: true } });
(router satisfies ConnectRouter).service(GreetService, stock);
// A fault is reported at its place, and correct code beside it is not.
router.service(GreetService, {
  greet: ({ name }, { group }) => ({ greeting: `${group} ${name}` }),
  // @ts-expect-error there is no such method
  greets: () => ({}),
});
router.service(GreetService, {
  async *greetServerStream(_request, { version }) {
    yield { greeting: version };
  },
  // @ts-expect-error there is no such field
  async *greetStream(_requests, { group }) {
    yield { greting: group };
  },
});
// @ts-expect-error there is no such option
router.service(GreetService, stock, { grup: "g" });
// @ts-expect-error a group is a text
router.service(GreetService, stock, { group: 5 });
router.service(GreetService, {
  greet: (request, context) => {
    context satisfies TripleContext;
    context satisfies HandlerContext;
    return { greeting: `${request.name} ${context.group} ${context.peer.address}` };
  },
});
router.rpc(
  GreetService.method.greet,
  (request, context) => {
    context.sendHeaders();
    return { greeting: request.name };
  },
  { interface: "org.example.Greeter" },
);
router satisfies ConnectRouter;
// @ts-expect-error Connect's router knows neither group nor version
({}) as ConnectRouter satisfies TripleRouter;
// @ts-expect-error handlers answer with the method's own messages
router.service(GreetService, { greet: () => ({ greeting: 1 }) });
// @ts-expect-error no such option
router.service(GreetService, stock, { groups: "g" });

// A stock implementation fits where ours is asked for.
stock satisfies TripleServiceImpl<typeof GreetService>;

// Every option may be given as undefined, as variables that may be unset are.
type Unset<T> = { [P in keyof T as Record<never, never> extends Pick<T, P> ? P : never]: undefined };
declare function unset<T>(): Unset<T>;
unset<TransportOptions>() satisfies TransportOptions;
unset<NodeTransportOptions>() satisfies NodeTransportOptions;
({ routes: () => {}, ...unset<ServerOptions>() }) satisfies ServerOptions;
({ routes: () => {}, ...unset<NodeServeOptions>() }) satisfies NodeServeOptions;
({ routes: () => {}, ...unset<LoopbackOptions>() }) satisfies LoopbackOptions;
unset<MountOptions>() satisfies MountOptions;
unset<ClientOptions>() satisfies ClientOptions;
unset<MethodOptions>() satisfies MethodOptions;
unset<TripleCallOptions>() satisfies TripleCallOptions;
unset<SendOptions>() satisfies SendOptions;
unset<TripleRouteOptions>() satisfies TripleRouteOptions;
unset<CallHooks>() satisfies CallHooks;
unset<ChannelOptions>() satisfies ChannelOptions;
unset<SubscribeOptions>() satisfies SubscribeOptions;
unset<BroadcastOptions>() satisfies BroadcastOptions;
unset<ClientTlsOptions>() satisfies ClientTlsOptions;
declare const ended: Server;
void ended.shutdown({ graceMs: undefined });
unset<Http2Options>() satisfies Http2Options;
router.service(GreetService, stock, { jsonOptions: undefined, maxTimeoutMs: undefined, group: undefined });
router.rpc(GreetService.method.greet, () => ({}), { interceptors: undefined, version: undefined });
client.greet(
  {},
  { timeoutMs: undefined, signal: undefined, headers: undefined, onHeader: undefined },
) satisfies Promise<GreetResponse>;
// Connect's options are taken, too.
declare const callOptions: CallOptions;
void client.greet({}, callOptions);

// An implementation may be a class, with methods on its prototype, and only some of them.
class Greeter implements Partial<TripleServiceImpl<typeof GreetService>> {
  #greetings = 0;
  async greet({ name }: GreetRequest, context: TripleContext) {
    this.#greetings++;
    return { greeting: `${name} ${this.#greetings} ${context.group}` };
  }
  async *greetServerStream({ name }: GreetServerStreamRequest) {
    yield { greeting: name };
  }
}
router.service(GreetService, new Greeter());
class StockGreeter implements Partial<ServiceImpl<typeof GreetService>> {
  async greet({ name }: GreetRequest, context: HandlerContext) {
    return { greeting: `${name} ${context.url}` };
  }
}
router.service(GreetService, new StockGreeter());
// A member that each object has is not a fault if an rpc has its name; other members of a class are.
class Plain implements Partial<TripleServiceImpl<typeof Odd>> {
  async plain({ value }: StringValue) {
    return { value };
  }
}
router.service(Odd, new Plain());
router.service(Odd, { plain: ({ value }) => ({ value }) });
// @ts-expect-error handlers answer with the method's own messages
router.service(Odd, { plain: () => ({ value: 1 }) });

// The sentences of docs/guide.md and docs/errors.md about implementations.
const part: Partial<TripleServiceImpl<typeof GreetService>> = { greet: ({ name }) => ({ greeting: name }) };
router.service(GreetService, part);
// @ts-expect-error the type of an implementation requires every method
part satisfies TripleServiceImpl<typeof GreetService>;
// @ts-expect-error a client does not implement its service
router.service(GreetService, client);
declare function greetings(): AsyncIterable<{ greeting: string }>;
router.service(GreetService, { greetServerStream: () => greetings() });
// @ts-expect-error the handler of a stream returns an async iterable, not a promise of one
router.service(GreetService, { greetServerStream: async () => greetings() });
// @ts-expect-error the handler of a stream returns an async iterable, not an array
router.service(GreetService, { greetServerStream: () => [{ greeting: "a" }] });

// Our client is one of Connect's.
client satisfies ConnectClient<typeof GreetService>;

// A driven handler has the types of its method, from the place where it is registered.
router.service(GreetService, {
  greetStream: driven(async (stream, context) => {
    context satisfies TripleContext;
    for (let m = await stream.receive(); m; m = await stream.receive())
      await stream.send({ greeting: m.name });
    for await (const { name } of stream) void stream.send({ greeting: name });
    // @ts-expect-error there is no such field
    await stream.send({ greting: "a" });
    stream.run(async () => stream.send({ greeting: context.group }));
    same<typeof stream.receive, () => Promise<GreetStreamRequest | undefined>>(true);
  }),
  greetClientStream: driven(async (stream) => {
    const names: string[] = [];
    for (let m = await stream.receive(); m; m = await stream.receive()) names.push(m.name);
    // @ts-expect-error the response of a client stream is returned
    void stream.send;
    return { greeting: names.join() };
  }),
  greetServerStream: driven(async (stream) => {
    same<typeof stream.request, GreetServerStreamRequest>(true);
    await stream.send({ greeting: stream.request.name });
    // @ts-expect-error a server stream has one request
    void stream.receive;
  }),
});
router.rpc(
  GreetService.method.greetStream,
  driven(async (stream) => {
    await stream.send({ greeting: (await stream.receive())?.name ?? "" });
  }),
);
const chatty: TripleMethodImpl<typeof GreetService.method.greetStream> = driven(async (stream) => {
  await stream.send({ greeting: (await stream.receive())?.name ?? "" });
});
const all: TripleServiceImpl<typeof GreetService> = {
  greet: ({ name }) => ({ greeting: name }),
  greetStream: chatty,
  greetClientStream: driven(async () => ({ greeting: "a" })),
  greetServerStream: driven(async ({ send, request }) => send({ greeting: request.name })),
};
router.service(GreetService, all);
class DrivenGreeter implements Partial<TripleServiceImpl<typeof GreetService>> {
  readonly greetStream: TripleMethodImpl<typeof GreetService.method.greetStream> = driven(async (stream) =>
    stream.send({ greeting: "a" }),
  );
}
router.service(GreetService, new DrivenGreeter());
// @ts-expect-error the response of a client stream is one of its method
router.service(GreetService, { greetClientStream: driven(async () => ({ greeting: 1 })) });
// @ts-expect-error a client stream has a response
router.service(GreetService, { greetClientStream: driven(async () => {}) });
// @ts-expect-error a unary method has no stream
router.service(GreetService, { greet: driven(async () => {}) });

// Interceptors learn of a call, on both sides.
const observing: Interceptor = (next) => (req) => {
  observe(req, {
    message(message, direction) {
      same<typeof direction, "request" | "response">(true);
      void message;
    },
    end: ({ error, code, requests, responses }) => void [error?.message, code, requests + responses],
  });
  observe(req, { message: undefined, end: undefined });
  peerOf(req)?.address satisfies string | undefined;
  return next(req);
};
void observing;
