// SPDX-License-Identifier: Apache-2.0
// Compiled by tsconfig.tests.json, never run: what must and what must not type-check.
import type { ConnectRouter, HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type {
  BidiStream,
  Client,
  ClientStream,
  ServerStream,
  TripleContext,
  TripleRouter,
  TripleServiceImpl,
} from "@tristream/core";
import { createClient, type Transport } from "@tristream/core";
import type {
  GreetClientStreamResponse,
  GreetResponse,
  GreetStreamResponse,
} from "@tristream/gen/greet/greet_pb.js";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";

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
// A fault is told where it is, and what is right beside it is not.
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
