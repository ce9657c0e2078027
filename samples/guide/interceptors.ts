// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  createClient,
  createContextKey,
  createTransport,
  type Interceptor,
  observe,
  peerOf,
  type StreamResponse,
  serve,
  type UnaryRequest,
} from "@tristream/node";
import { greeter } from "./greeter.js";

// #region
const user = createContextKey("nobody"); // its default

// Server: who may call, and who it is.
const authenticate: Interceptor = (next) => async (req) => {
  if (req.header.get("authorization") !== "Bearer sesame")
    throw new ConnectError("who?", Code.Unauthenticated);
  req.contextValues.set(user, "ali");
  return next(req);
};

await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  interceptors: [authenticate], // the first one is outermost
  routes: (router) =>
    router.service(GreetService, {
      ...greeter,
      greet: (_request, { values }) => ({ greeting: `hello ${values.get(user)}` }),
    }),
});
// #endregion

// #region
// Client: a header of its own. `req.stream` tells the two kinds apart; a unary call has its one message here.
const authorize: Interceptor = (next) => (req) => {
  req.header.set("authorization", "Bearer sesame");
  if (!req.stream) describe(req);
  return next(req);
};
const describe = ({ method, message }: UnaryRequest) => console.log(method.name, "of", message.$typeName);

// Either side: a generator in the place of `message` sees what passes in a stream, and may change it.
const count: Interceptor = (next) => async (req) => {
  const res = await next(req);
  return res.stream ? { ...res, message: counted(res) } : res;
};
async function* counted({ method, message }: StreamResponse) {
  let n = 0;
  for await (const each of message) {
    n++;
    yield each;
  }
  console.log(method.name, "answered", n);
}

await using transport = createTransport(server.url, { interceptors: [count] }); // of all its clients
const client = createClient(GreetService, transport, { interceptors: [authorize] }); // outside of those
// #endregion

// #region
// Either side: how a call ended, and who is at its other end.
const log: Interceptor = (next) => (req) => {
  observe(req, {
    end({ code, requests, responses }) {
      const outcome = code === undefined ? "OK" : Code[code];
      console.log(
        `${req.method.name} ${peerOf(req)?.transport}: ${outcome}, ${requests} and ${responses} messages`,
      );
    },
  });
  return next(req);
};
// #endregion

console.log((await client.greet({ name: "a" })).greeting);
for await (const { greeting } of client.greetServerStream({ name: "b" })) console.log(greeting);
const refused = createClient(GreetService, transport);
await refused.greet({}).catch((error) => console.log(error.message));

// Both interceptors on the server, for a client without any.
await using counting = await serve({
  host: "127.0.0.1",
  port: 0,
  interceptors: [log, count],
  routes: (router) => router.service(GreetService, greeter),
});
await using plain = createTransport(counting.url);
const chat = createClient(GreetService, plain).greetStream([{ name: "c" }]);
for await (const _ of chat);
