// SPDX-License-Identifier: Apache-2.0
// npm run ts -- samples/chat/client.ts ADDRESS NAME
import { Code, ConnectError } from "@tristream/node";
import { chat } from "./chat.js";
import { runOrExplain } from "./run-or-explain.js";

await runOrExplain(async () => {
  const [address, name] = process.argv.slice(2);
  if (address === undefined || name === undefined)
    throw new ConnectError("usage: npm run ts -- samples/chat/client.ts ADDRESS NAME", Code.InvalidArgument);
  await chat(address, name, process.stdin);
});
