// SPDX-License-Identifier: Apache-2.0
// Peers that pad their frames: Node's own HTTP/2 with its two padding strategies, as a server and as a client.
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";
import { inTime, never } from "../events.js";
import { ended, endInWords, type Kind } from "./kind.js";
import { Envelopes, envelope, RawServer } from "./raw-grpc.js";

/** PADDING_STRATEGY_ALIGNED, which @types/node lacks, and PADDING_STRATEGY_MAX. */
const strategies = [1, constants.PADDING_STRATEGY_MAX];
const sizes = [0, 1, 200, 16_000, 65_000, 66_000, 100_000, 300_000, 1_000_000];

export async function padding(): Promise<Kind> {
  const rawServers = await Promise.all(
    strategies.map((paddingStrategy) =>
      RawServer.start({ paddingStrategy }, (stream) => RawServer.answer(stream, (names) => names.join(""))),
    ),
  );
  const transports = rawServers.map(({ port }) => createTransport(`tri://127.0.0.1:${port}`));
  const clients = transports.map((transport) => createClient(GreetService, transport));
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    routes: (router) => router.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
  });
  const sessions = strategies.map((paddingStrategy) => {
    const session = connect(`http://127.0.0.1:${server.port}`, { paddingStrategy });
    session.on("error", () => {});
    return session;
  });
  return {
    async once(random, wrong) {
      const name = "y".repeat(random.of(sizes) + random.below(50));
      const which = random.below(strategies.length);
      const what = `${name.length} letters, padding strategy ${strategies[which]}`;
      if (random.percent(50)) {
        const end = await ended(clients[which]!.greet({ name }));
        if (end === never || !("answer" in end) || end.answer !== name)
          wrong(`a server that pads, ${what}: ${endInWords(end)}`);
      } else {
        const answer = await inTime(rawGreet(sessions[which]!, name));
        if (answer !== name) wrong(`a client that pads, ${what}: ${String(answer).slice(0, 100)}`);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const transport of transports) await transport.close();
      for (const session of sessions) session.destroy();
      await server.shutdown({ graceMs: 0 });
      for (const raw of rawServers) await raw[Symbol.asyncDispose]();
    },
  };
}

/** One unary call of Node's own client. */
function rawGreet(session: ClientHttp2Session, name: string): Promise<string> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/greet.GreetService/Greet",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  const envelopes = new Envelopes();
  const answers: string[] = [];
  stream.on("data", (chunk: Buffer) => answers.push(...envelopes.push(chunk)));
  stream.on("error", () => {});
  stream.end(envelope(name));
  return new Promise((resolve) => {
    stream.on("close", () => resolve(answers.join("")));
  });
}
