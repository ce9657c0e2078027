// SPDX-License-Identifier: Apache-2.0
// tristream-server.ts [PORT]: serves greet.GreetService on 127.0.0.1 and prints "READY PORT"; ends after SIGTERM or the name "shutdown".

import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { Calls } from "./calls.js";
import { greeter } from "./greeter.js";

const registrations = [
  { group: "", version: "" },
  { group: "g1", version: "1.0.0" },
  { group: "g2", version: "2.0.0" },
];

const calls = new Calls();

function shutdown(): void {
  void server.shutdown({ graceMs: 5000 }).then(({ finished, cut }) => {
    console.log(`SHUTDOWN finished=${finished} cut=${cut}`);
  });
}

const server = await serve({
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? 0),
  // what handlers throw on purpose is no news
  logger: { error() {}, warn: console.error, info() {}, debug() {} },
  routes: (router) => {
    for (const selector of registrations) {
      router.service(GreetService, greeter(selector, calls, shutdown), selector);
    }
  },
});
process.once("SIGTERM", shutdown);
console.log(`READY ${server.port}`);
