// SPDX-License-Identifier: Apache-2.0
// Calls that a server refuses before it has seen them, by REFUSED_STREAM or a GOAWAY below their id, while messages are sent.
import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { type CallOptions, type Client, Code, createClient, createTransport } from "@tristream/node";
import { never, turn } from "../events.js";
import type { Random } from "../random.js";
import { callNames, digest, ended, endInWords, type Kind } from "./kind.js";
import { RawServer } from "./raw-grpc.js";

const fates = ["serve", "serve", "refuse", "go away"] as const;
const ways = ["handle", "handle", "generator", "array"] as const;

/** Streams of a session above this id are ignored: its GOAWAY said so. */
const lastIds = new WeakMap<Http2Session, number>();

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await turn();
}

/** Serves a stream, or refuses it as the first fate of its header says for its attempt. */
function serveOrRefuse(): (stream: ServerHttp2Stream, header: (name: string) => string) => void {
  const attempts = new Map<string, number>();
  return (stream, header) => {
    const { session } = stream;
    if (session === undefined || session.destroyed) return;
    if ((stream.id ?? 0) > (lastIds.get(session) ?? Number.POSITIVE_INFINITY)) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const id = header("x-call");
    const attempt = attempts.get(id) ?? 0;
    attempts.set(id, attempt + 1);
    const [fate = "serve", after = "0"] = (header("x-fates").split(",")[attempt] ?? "").split(" ");
    if (fate === "refuse") {
      void turns(Number(after)).then(() => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    } else if (fate === "go") {
      const last = Math.max(0, (stream.id ?? 0) - 2);
      void turns(Number(after)).then(() => {
        if (session.destroyed) return;
        lastIds.set(session, Math.min(last, lastIds.get(session) ?? last));
        session.goaway(constants.NGHTTP2_NO_ERROR, lastIds.get(session)!);
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
        // Accepted calls go on.
        session.close();
      });
    } else {
      attempts.delete(id);
      RawServer.answer(stream, digest);
    }
  };
}

export async function refusals(): Promise<Kind> {
  const server = await RawServer.start({}, serveOrRefuse());
  const transport = createTransport(`tri://127.0.0.1:${server.port}`);
  const client = createClient(GreetService, transport);
  return {
    async once(random, wrong) {
      const { id, names } = callNames(random, 30);
      const fate = (): string => {
        const drawn = random.of(fates);
        return drawn === "serve" ? drawn : `${drawn.split(" ")[0]} ${random.below(20)}`;
      };
      const options = { headers: { "x-call": id, "x-fates": `${fate()},${fate()}` } };
      const way = random.of(ways);
      const sent = await upload(client, way, names, options, random);
      const what = `an upload of ${names.length} by ${way}, ${options.headers["x-fates"]}`;
      if (sent.end === never) wrong(`${what}: never settled`);
      else if ("answer" in sent.end) {
        if (sent.rejected > 0) wrong(`${what}: answered, though ${sent.rejected} sends were rejected`);
        if (sent.end.answer !== digest(names))
          wrong(`${what}: ${endInWords(sent.end)}, not ${digest(names)}`);
      } else if (sent.end.error.code !== Code.Unavailable) wrong(`${what}: ${endInWords(sent.end)}`);
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function upload(
  client: Client<typeof GreetService>,
  way: (typeof ways)[number],
  names: readonly string[],
  options: CallOptions,
  random: Random,
): Promise<{ end: Awaited<ReturnType<typeof ended>>; rejected: number }> {
  const messages = names.map((name) => ({ name }));
  if (way === "array") return { end: await ended(client.greetClientStream(messages, options)), rejected: 0 };
  const own = random.fork();
  if (way === "generator") {
    const source = async function* () {
      for (const message of messages) {
        await turns(own.below(4));
        yield message;
      }
    };
    return { end: await ended(client.greetClientStream(source(), options)), rejected: 0 };
  }
  const handle = client.greetClientStream(options);
  let rejected = 0;
  const sends: Promise<void>[] = [];
  // Calls on which nothing was sent yet are made again; what is sent meanwhile belongs to them.
  if (own.percent(60)) await turns(own.below(25));
  for (const message of messages) {
    const send = handle.send(message).catch(() => {
      rejected++;
    });
    sends.push(send);
    if (own.percent(40)) await send;
    else await turns(own.below(3));
  }
  const end = await ended(handle.closeAndReceive());
  await Promise.all(sends);
  return { end, rejected };
}
