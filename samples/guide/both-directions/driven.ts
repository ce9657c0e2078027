// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  broadcast,
  createChannel,
  createClient,
  createTransport,
  driven,
  serve,
  type TripleRouter,
} from "@tristream/node";

// #region
const news = createChannel<string>(); // any code may send into it
const feed = broadcast(news, { whenSlow: "drop-oldest", withoutReaders: "drop" });

const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    greetStream: driven(async (stream, { signal }) => {
      await using items = feed.subscribe({ signal }); // leaving the block ends the loop over it
      stream.run(async () => {
        for await (const item of items) await stream.send({ greeting: item });
      });
      for await (const { name } of stream) await stream.send({ greeting: `hello ${name}` });
    }),
  });
// #endregion

await using server = await serve({ host: "127.0.0.1", port: 0, routes });
await using transport = createTransport(server.url);
const chat = createClient(GreetService, transport).greetStream();
await chat.send({ name: "a" });
console.log((await chat.receive())?.greeting);
await news.send("it rains");
console.log((await chat.receive())?.greeting);
await chat.send({ name: "b" });
console.log((await chat.receive())?.greeting);
await chat.closeRequest();
console.log(await chat.receive());
console.log(feed.readers, "readers");
