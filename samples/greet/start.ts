// SPDX-License-Identifier: Apache-2.0
// npm start: the server and the client in one process, over a real socket.
import { serve } from "@tristream/node";
import { greetAll } from "./greet-all.js";
import { routes } from "./greeter.js";
import { runOrExplain } from "./run-or-explain.js";

await runOrExplain(async () => {
  await using server = await serve({ host: "127.0.0.1", port: 20000, routes });
  await greetAll(server.url);
});
