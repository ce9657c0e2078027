// client.ts

import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport } from "@tristream/node";

const client = createClient(GreetService, createTransport("tri://127.0.0.1:20001"));
await using chat = client.greetStream(); // a handle to drive; leaving its block ends the call
await chat.send({ name: "triple" }); // settles when there is room
console.log(await chat.receive()); // a message, or undefined at the end
await chat.closeRequest();

for await (const { greeting } of client.greetStream([{ name: "a" }, { name: "b" }])) console.log(greeting);
