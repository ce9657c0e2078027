// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, driven, serve, type TripleRouter } from "@tristream/node";

// #region
const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    // bidi stream: receives and sends
    greetStream: driven(async (stream) => {
      for (let m = await stream.receive(); m; m = await stream.receive())
        await stream.send({ greeting: `hello ${m.name}` });
    }),
    // client stream: receives, and returns the response
    greetClientStream: driven(async (stream) => {
      const names: string[] = [];
      for await (const { name } of stream) names.push(name); // the same messages as receive()
      return { greeting: `hello ${names.join(", ")}` };
    }),
    // server stream: has its request, and sends
    greetServerStream: driven(async ({ request, send }) => {
      for (let i = 1; i <= 3; i++) await send({ greeting: `hello ${request.name} ${i}` });
    }),
  });
// #endregion

// #region
const clock = (router: TripleRouter) =>
  router.service(GreetService, {
    // Says hello again and again, to the name that the client sent last, until the client has sent all.
    greetStream: driven(async (stream) => {
      let name = "nobody";
      let complete = false;
      stream.run(async () => {
        for await (const request of stream) name = request.name;
        complete = true;
      });
      while (!complete) {
        await stream.send({ greeting: `hello ${name}` });
        await sleep(10);
      }
    }),
  });
// #endregion

{
  await using server = await serve({ host: "127.0.0.1", port: 0, routes });
  await using transport = createTransport(server.url);
  const client = createClient(GreetService, transport);
  const names = ["a", "b"].map((name) => ({ name }));
  for await (const { greeting } of client.greetStream(names)) console.log(greeting);
  console.log((await client.greetClientStream(names)).greeting);
  for await (const { greeting } of client.greetServerStream({ name: "c" })) console.log(greeting);
}
{
  await using server = await serve({ host: "127.0.0.1", port: 0, routes: clock });
  await using transport = createTransport(server.url);
  const chat = createClient(GreetService, transport).greetStream();
  console.log((await chat.receive())?.greeting);
  await chat.send({ name: "d" });
  let last = await chat.receive();
  while (last?.greeting === "hello nobody") last = await chat.receive();
  console.log(last?.greeting);
  await chat.closeRequest();
  for await (const { greeting } of chat) last = { ...last!, greeting };
  console.log("at the end:", last?.greeting);
}
