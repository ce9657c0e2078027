// SPDX-License-Identifier: Apache-2.0
// npm run ts -- samples/chat/server.ts [port]
import { serve } from "@tristream/node";
import { routes } from "./chat-service.js";
import { Room } from "./room.js";
import { runOrExplain } from "./run-or-explain.js";

await runOrExplain(async () => {
  const room = new Room();
  // Port 0 takes a free port.
  const server = await serve({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0), routes: routes(room) });
  console.log(`the chat server listens on ${server.url}`);

  const stop = async (): Promise<void> => {
    const stopped = server.shutdown({ graceMs: 2000 }); // takes no new calls from now on
    await room.close();
    await stopped;
    console.log("the chat server has stopped");
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
});
