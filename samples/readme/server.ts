// server.ts

import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";

const server = await serve({
  host: "127.0.0.1", // without it: all interfaces
  port: 20001,
  routes: (router) =>
    router.service(GreetService, {
      async *greetStream(requests) {
        for await (const { name } of requests) yield { greeting: `hello ${name}` };
      },
    }),
});
console.log(`the server listens on ${server.url}`);
