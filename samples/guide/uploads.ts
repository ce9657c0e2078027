// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  createClient,
  createTransport,
  serve,
  type TripleServiceImpl,
} from "@tristream/node";

// #region
const uploads: Pick<TripleServiceImpl<typeof GreetService>, "greetClientStream"> = {
  async greetClientStream(requests, { signal }) {
    const names: string[] = [];
    let committed = false;
    for await (const { name } of requests) {
      if (name === "commit") committed = true;
      else names.push(name);
    }
    // A cancel that came behind the end of the requests has fired the signal by now, or will.
    if (!committed || signal.aborted) throw new ConnectError("the upload is not complete", Code.Aborted);
    return { greeting: `stored ${names.join(", ")}` };
  },
};
// #endregion

await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  routes: (router) => router.service(GreetService, uploads),
});
await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);

console.log((await client.greetClientStream([{ name: "a" }, { name: "b" }, { name: "commit" }])).greeting);
try {
  // As the end of a cancelled upload looks, when nothing tells that a reset is behind it.
  await client.greetClientStream([{ name: "a" }]);
} catch (error) {
  console.log(ConnectError.from(error).message);
}
