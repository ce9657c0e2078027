// SPDX-License-Identifier: Apache-2.0
// Promise 1: leaving cancels. A peer that cancels calls and makes others in one write finds their places free.
// Mutant: http2/src/receive/peer-streams.ts # if (postponed.placesLeft >= 0) streams.events.stream?.(stream, list, end); => if (postponed.placesLeft < 0) streams.refuse(id, ErrorCode.REFUSED_STREAM); else if (postponed.placesLeft >= 0) streams.events.stream?.(stream, list, end);
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { errorOf, fired, until } from "./events.js";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";

test("connect-es, at the limit on streams, cancels all of its calls, and those that waited are served", async () => {
  const limit = 20;
  let stuck = 0;
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    http2: { maxConcurrentStreams: limit },
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        async greet({ name }, { signal }) {
          if (name === "stuck") {
            stuck++;
            await fired(signal);
          }
          return { greeting: name };
        },
      }),
  });
  const client = createClient(
    GreetService,
    createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.port}` }),
  );
  await client.greet({ name: "first" });
  const controllers = Array.from({ length: limit }, () => new AbortController());
  const canceled = controllers.map(({ signal }) => errorOf(client.greet({ name: "stuck" }, { signal })));
  await until(() => stuck === limit);
  const waiting = Array.from({ length: limit }, (_, i) => client.greet({ name: `${i}` }));
  for (const controller of controllers) controller.abort();
  await Promise.all(canceled);
  const greetings = (await Promise.all(waiting)).map(({ greeting }) => greeting);
  expect(greetings).toEqual(waiting.map((_, i) => `${i}`));
});
