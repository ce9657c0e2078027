// SPDX-License-Identifier: Apache-2.0
// npm run greet:client [-- tri://host:port]
import { greetAll } from "./greet-all.js";
import { runOrExplain } from "./run-or-explain.js";

await runOrExplain(() => greetAll(process.argv[2] ?? "tri://127.0.0.1:20000"));
