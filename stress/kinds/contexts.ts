// SPDX-License-Identifier: Apache-2.0
// AsyncLocalStorage in every piece of application code: no call's code sees another call's store.
import { AsyncLocalStorage } from "node:async_hooks";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  type CallOptions,
  Code,
  ConnectError,
  createClient,
  createTransport,
  type Interceptor,
  serve,
} from "@tristream/node";
import { inTime, never, turn } from "../events.js";
import { methods } from "../plan.js";
import { callNames, type Kind } from "./kind.js";

const storage = new AsyncLocalStorage<string>();
const long = "x".repeat(20_000);
const ways = ["to its end", "to its end", "leaves", "signal", "deadline"] as const;

export async function contexts(): Promise<Kind> {
  const problems: string[] = [];
  /** A piece of code of this call runs here. */
  const visit = (place: string, own: string): void => {
    const seen = storage.getStore();
    if (seen !== own && problems.length < 20) problems.push(`${place} of ${own} sees ${seen}`);
  };
  const setStore: Interceptor = (next) => (req) =>
    storage.run(`server ${req.header.get("x-call")}`, () => next(req));
  const enter = (place: string, own: string, signal: AbortSignal): void => {
    visit(place, own);
    signal.addEventListener("abort", () => visit(`${place}: the abort listener`, own), { once: true });
  };
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    interceptors: [setStore],
    routes: (router) =>
      router.service(GreetService, {
        async greet({ name }, { signal }) {
          const own = `server ${name}`;
          enter("the unary handler", own, signal);
          await turn();
          visit("the unary handler, a turn later", own);
          return { greeting: name };
        },
        async *greetServerStream({ name }, { signal }) {
          const own = `server ${name}`;
          enter("the server stream's handler", own, signal);
          try {
            for (let i = 0; i < 6; i++) {
              yield { greeting: long };
              visit("the server stream's handler, behind a yield", own);
            }
          } finally {
            visit("the server stream's finally", own);
          }
        },
        async greetClientStream(requests, { signal, requestHeader }) {
          const own = `server ${requestHeader.get("x-call")}`;
          enter("the upload's handler", own, signal);
          for await (const _ of requests) visit("the upload's handler, behind a read", own);
          visit("the upload's handler, at its end", own);
          return { greeting: own };
        },
        async *greetStream(requests, { signal, requestHeader }) {
          const own = `server ${requestHeader.get("x-call")}`;
          enter("the chat's handler", own, signal);
          try {
            for await (const { name } of requests) {
              visit("the chat's handler, behind a read", own);
              yield { greeting: name };
              visit("the chat's handler, behind a yield", own);
            }
          } finally {
            visit("the chat's finally", own);
          }
        },
      }),
  });
  const transport = createTransport(server.url);
  const observing: Interceptor = (next) => async (req) => {
    const own = `client ${req.header.get("x-call")}`;
    visit("the client's interceptor", own);
    req.signal.addEventListener("abort", () => visit("the client's abort listener", own), { once: true });
    return await next(req);
  };
  const client = createClient(GreetService, transport, { interceptors: [observing] });

  async function make(
    id: string,
    names: readonly string[],
    method: string,
    way: (typeof ways)[number],
  ): Promise<void> {
    const own = `client ${id}`;
    const controller = new AbortController();
    const options: CallOptions = {
      headers: { "x-call": id },
      onHeader: () => visit("onHeader", own),
      onTrailer: () => visit("onTrailer", own),
      ...(way === "signal" ? { signal: controller.signal } : {}),
      ...(way === "deadline" ? { timeoutMs: 5 } : {}),
    };
    const source = async function* () {
      try {
        for (const name of names) {
          visit("the request generator", own);
          yield { name };
          visit("the request generator, behind a yield", own);
        }
      } finally {
        visit("the request generator's finally", own);
      }
    };
    const read = async (messages: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of messages) {
        visit("the client's loop", own);
        if (way === "leaves") break;
        // Another call's context aborts.
        if (way === "signal") storage.run("who aborts", () => controller.abort());
        await turn();
      }
    };
    if (method === "greet") await client.greet({ name: id }, options);
    else if (method === "greetClientStream") await client.greetClientStream(source(), options);
    else if (method === "greetStream") await read(client.greetStream(source(), options));
    else await read(client.greetServerStream({ name: id }, options));
    visit("the caller", own);
  }

  return {
    async once(random, wrong) {
      const { id, names } = callNames(random, 12);
      const method = random.of(methods);
      const way = random.of(ways);
      const call = storage.run(`client ${id}`, () => make(id, names, method, way));
      const allowed: readonly Code[] =
        way === "deadline" ? [Code.DeadlineExceeded] : way === "signal" ? [Code.Canceled] : [];
      const end = await inTime(
        call.then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
      if (end === never) wrong(`${method}, ${way}: never settled`);
      else if (end !== undefined && !(end instanceof ConnectError && allowed.includes(end.code)))
        wrong(`${method}, ${way}: ${String(end)}`);
      for (const problem of problems.splice(0)) wrong(problem);
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.shutdown({ graceMs: 0 });
    },
  };
}
