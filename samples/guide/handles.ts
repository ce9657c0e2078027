// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { ConnectError, createClient, createTransport, serve } from "@tristream/node";
import { greeter } from "./greeter.js";

await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  routes: (router) =>
    router.service(GreetService, {
      ...greeter,
      async *greetServerStream({ name }) {
        for (let i = 1; ; i++) yield { greeting: `hello ${name} ${i}` };
      },
    }),
});
await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);

// #region
await using chat = client.greetStream(); // no messages: a handle
await chat.send({ name: "a" }); // settles when there is room for another one
console.log((await chat.receive())?.greeting);
await chat.send({ name: "b" });
await chat.closeRequest(); // half-close: the handler's loop ends
for await (const { greeting } of chat) console.log(greeting); // receive() and the loop share the messages
console.log(await chat.receive()); // undefined: the end, as often as asked

await using upload = client.greetClientStream();
await upload.send({ name: "c" });
console.log((await upload.closeAndReceive()).greeting);
// #endregion

// #region
const stream = client.greetServerStream({ name: "d" }); // has no end
for await (const { greeting } of stream) {
  console.log(greeting);
  break; // the call is over, and the handler knows
}
await stream.receive().catch((error) => console.log(error.message)); // a generator would give { done: true }
// #endregion

const closed = client.greetServerStream({ name: "e" });
await closed.closeResponse();
await closed.next().catch((error) => console.log("after closeResponse():", error.message));

process.on("unhandledRejection", (error) => console.log("unhandled:", ConnectError.from(error).message));
const left = client.greetStream();
left.cancel("enough");
void left.send({ name: "f" });
const unread = createClient(GreetService, transport, { group: "none" }).greetStream();
await unread.responseTrailer.catch(() => console.log("the unread one has failed"));
await new Promise((resolve) => setTimeout(resolve, 20));
