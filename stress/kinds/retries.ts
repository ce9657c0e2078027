// SPDX-License-Identifier: Apache-2.0
// Interceptors that call `next` again after a handler has failed, before, while or after it read its requests.
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport, type Interceptor, serve } from "@tristream/node";
import { never, turn } from "../events.js";
import { callNames, digest, ended, endInWords, type Kind } from "./kind.js";

const attemptsOfInterceptor = 3;

/** Repeats calls that failed with Aborted, also if the first read of a stream rejects with it. */
const retry: Interceptor = (next) => async (req) => {
  for (let attempt = 1; ; attempt++) {
    try {
      const res = await next(req);
      if (!res.stream) return res;
      const messages = res.message[Symbol.asyncIterator]();
      const first = await messages.next();
      return { ...res, message: behind(first, messages) };
    } catch (error) {
      if (attempt === attemptsOfInterceptor || ConnectError.from(error).code !== Code.Aborted) throw error;
    }
  }
};

async function* behind<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  for (let result = first; result.done !== true; result = await rest.next()) yield result.value;
}

/** Fails so many attempts of a call, each after so many of its messages; -1: none. */
class Failures {
  private readonly attempts = new Map<string, number>();

  next(id: string, plan: string): number {
    const attempt = this.attempts.get(id) ?? 0;
    this.attempts.set(id, attempt + 1);
    const after = Number(plan.split(",")[attempt] ?? -1);
    if (after < 0) this.attempts.delete(id);
    return after;
  }
}

const ways = ["array", "set", "generator", "handle", "unary"] as const;

export async function retries(): Promise<Kind> {
  const failures = new Failures();
  const failed = (): ConnectError => new ConnectError("as planned", Code.Aborted);
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    routes: (router) =>
      router.service(GreetService, {
        greet({ name }, context) {
          const { requestHeader: header } = context;
          if (failures.next(header.get("x-call")!, header.get("x-failures")!) >= 0) throw failed();
          return { greeting: digest([name]) };
        },
        async greetClientStream(requests, { requestHeader: header }) {
          const after = failures.next(header.get("x-call")!, header.get("x-failures")!);
          if (after === 0) throw failed();
          const names: string[] = [];
          for await (const { name } of requests) {
            names.push(name);
            if (names.length === after) throw failed();
          }
          if (after > names.length) throw failed();
          return { greeting: digest(names) };
        },
      }),
  });
  const transport = createTransport(server.url);
  const client = createClient(GreetService, transport, { interceptors: [retry] });
  return {
    async once(random, wrong) {
      const { id, names } = callNames(random, 10);
      const plan = Array.from({ length: random.below(4) }, () => random.below(12)).join(",");
      const options = { headers: { "x-call": id, "x-failures": plan === "" ? "-1" : plan } };
      const way = random.of(ways);
      const messages = names.map((name) => ({ name }));
      const slowly = async function* () {
        for (const message of messages) {
          yield message;
          await turn();
        }
      };
      const call = async (): Promise<{ greeting: string }> => {
        if (way === "unary") return await client.greet(messages[0]!, options);
        if (way === "array") return await client.greetClientStream(messages, options);
        if (way === "set") return await client.greetClientStream(new Set(messages), options);
        if (way === "generator") return await client.greetClientStream(slowly(), options);
        const handle = client.greetClientStream(options);
        for (const message of messages) void handle.send(message).catch(() => {});
        return await handle.closeAndReceive();
      };
      const end = await ended(call());
      const what = `${way} of ${names.length}, failing after [${plan}]`;
      const whole = digest(way === "unary" ? names.slice(0, 1) : names);
      const failing = plan === "" ? 0 : plan.split(",").length;
      const mayFail =
        failing >= attemptsOfInterceptor || (failing > 0 && !["unary", "array", "set"].includes(way));
      if (end === never) wrong(`${what}: never settled`);
      else if ("answer" in end ? end.answer !== whole : !mayFail)
        wrong(`${what}: ${endInWords(end)}, not ${whole}`);
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.shutdown({ graceMs: 0 });
    },
  };
}
