// SPDX-License-Identifier: Apache-2.0
// Sends that race with asynchronous interceptors and `headers` functions: the order of the calls is the order on the wire.
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, type Interceptor, serve } from "@tristream/node";
import { inTime, never, turn } from "../events.js";
import type { Random } from "../random.js";
import { callNames, digest, ended, endInWords, type Kind } from "./kind.js";

export async function ordering(): Promise<Kind> {
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    routes: (router) =>
      router.service(GreetService, {
        async greetClientStream(requests) {
          const names: string[] = [];
          for await (const { name } of requests) names.push(name);
          return { greeting: digest(names) };
        },
        async *greetStream(requests) {
          for await (const { name } of requests) yield { greeting: name };
        },
      }),
  });
  const transport = createTransport(server.url);
  let draws: Random | undefined;
  const pause = async (): Promise<void> => {
    for (let n = draws?.below(6) ?? 0; n > 0; n--) await turn();
  };
  const interceptor: Interceptor = (next) => async (req) => {
    await pause();
    return await next(req);
  };
  const headers = async (): Promise<HeadersInit> => {
    await pause();
    return {};
  };
  const clients = [
    createClient(GreetService, transport, { interceptors: [interceptor] }),
    createClient(GreetService, transport, { headers }),
    createClient(GreetService, transport, { interceptors: [interceptor], headers }),
  ];
  return {
    async once(random, wrong) {
      draws ??= random.fork();
      const own = random.fork();
      const { names } = callNames(random, 30);
      const client = random.of(clients);
      const what = `${names.length} sends`;
      const sends: Promise<void>[] = [];
      const unsent: string[] = [];
      const sendAll = async (handle: { send(message: { name: string }): Promise<void> }): Promise<void> => {
        for (const name of names) {
          const send = handle.send({ name }).catch((error: unknown) => {
            unsent.push(String(error));
          });
          sends.push(send);
          const how = own.below(5);
          if (how === 0) await send;
          else if (how === 1) await turn();
          else if (how === 2) await null;
        }
      };
      if (random.percent(60)) {
        const upload = client.greetClientStream();
        await sendAll(upload);
        const end = await ended(upload.closeAndReceive());
        if (end === never || !("answer" in end) || end.answer !== digest(names))
          wrong(`${what} of an upload: ${endInWords(end)}, not ${digest(names)}`);
      } else {
        const chat = client.greetStream();
        const answers: string[] = [];
        const reading = (async () => {
          for await (const { greeting } of chat) answers.push(greeting);
        })();
        await sendAll(chat);
        await chat.closeRequest();
        const read = await inTime(
          reading.then(
            () => undefined,
            (error: unknown) => String(error),
          ),
        );
        if (read !== undefined || digest(answers) !== digest(names))
          wrong(`${what} of a chat: ${String(read)}, answered ${digest(answers)}, not ${digest(names)}`);
      }
      await Promise.all(sends);
      if (unsent.length > 0) wrong(`${what}: ${unsent.length} were rejected: ${unsent[0]}`);
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.shutdown({ graceMs: 0 });
    },
  };
}
