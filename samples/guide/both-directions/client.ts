// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createChannel, createClient, createTransport, serve } from "@tristream/node";

await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  routes: (router) =>
    router.service(GreetService, {
      async *greetStream(requests) {
        for await (const { name } of requests) {
          if (name === "nobody") throw new ConnectError("who is nobody?", Code.InvalidArgument);
          yield { greeting: `hello ${name}` };
        }
      },
    }),
});
await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);

// #region
async function talk(names: readonly string[]): Promise<void> {
  await using chat = client.greetStream(); // an error of one loop leaves the block, which ends the other loop
  const speak = async () => {
    for (const name of names) await chat.send({ name });
    await chat.closeRequest();
  };
  const listen = async () => {
    for await (const { greeting } of chat) console.log(greeting);
  };
  await Promise.all([speak(), listen()]); // both are awaited, so no rejection is unhandled
}
// #endregion

await talk(["a", "b"]);
await talk(["c", "nobody", "d"]).catch((error) => console.log(error.message));

// #region
const names = createChannel<{ name: string }>({ capacity: 8 });
const sayAll = async (list: readonly string[]) => {
  for (const name of list) await names.send({ name });
};
const listen = async () => {
  for await (const { greeting } of client.greetStream(names)) console.log(greeting);
};
const speak = async () => {
  await Promise.all([sayAll(["e", "f"]), sayAll(["g"])]); // from as many places as you like
  names.close(); // the half-close
};
await Promise.all([listen(), speak()]);
// #endregion
