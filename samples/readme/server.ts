// server.ts

import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";

await serve({
  port: 20000,
  routes: (router) =>
    router.service(GreetService, {
      async *greetStream(requests) {
        for await (const { name } of requests) yield { greeting: `hello ${name}` };
      },
    }),
});
