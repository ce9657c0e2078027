// routes.ts: the same for all, and for serve()

import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import type { TripleRouter } from "@tristream/node";

export const routes = (router: TripleRouter): unknown =>
  router.service(
    GreetService,
    {
      greet: ({ name }) => ({ greeting: `hello ${name}` }),
      async *greetStream(requests) {
        for await (const { name } of requests) yield { greeting: `hello ${name}` };
      },
    },
    { group: "g1" },
  );
