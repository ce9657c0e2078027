// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport } from "@tristream/node";
import { printable } from "./printable.js";

/** Calls every kind of method of the greet service at `address`, and prints what the server answers. */
export async function greetAll(address: string): Promise<void> {
  await using transport = createTransport(address);
  const greeter = createClient(GreetService, transport);

  console.log("[start to test TRIPLE unary call]");
  const reply = await greeter.greet({ name: "triple" });
  console.log(`TRIPLE unary call resp: [${printable(reply.greeting)}]`);

  // A handle that we drive: send, receive, close, each when we want.
  console.log("[start to test TRIPLE bidi stream]");
  await using chat = greeter.greetStream();
  await chat.send({ name: "triple" });
  const answer = await chat.receive();
  console.log(`TRIPLE bidi stream resp: [${printable(answer?.greeting ?? "")}]`);
  await chat.closeRequest();
  await chat.closeResponse();

  console.log("[start to test TRIPLE client stream]");
  const upload = greeter.greetClientStream();
  for (let i = 0; i < 5; i++) {
    await upload.send({ name: "triple" });
  }
  const summary = await upload.closeAndReceive();
  console.log(`TRIPLE client stream resp: [${printable(summary.greeting)}]`);

  // A stream of answers is an async iterable; leaving the loop early would cancel the call.
  console.log("[start to test TRIPLE server stream]");
  for await (const { greeting } of greeter.greetServerStream({ name: "triple" })) {
    console.log(`TRIPLE server stream resp: [${printable(greeting)}]`);
  }
}
