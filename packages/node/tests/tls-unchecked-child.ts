// SPDX-License-Identifier: Apache-2.0
// tls-unchecked-child.ts URL CA: makes a call, and prints how it ended.
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport } from "@tristream/node";

const [url = "", ca = ""] = process.argv.slice(2);
await using transport = createTransport(url, { tls: { ca } });
const greeter = createClient(GreetService, transport);
console.log(
  await greeter.greet({ name: "x" }).then(
    () => "greeted",
    (error) => String(error),
  ),
);
