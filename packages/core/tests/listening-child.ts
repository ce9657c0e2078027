// SPDX-License-Identifier: Apache-2.0
// listening-child.ts CASE: a process in which many listen to one signal. Node prints its warnings to the standard error.
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createClient as createConnectClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, mount, serve, type TripleRouter } from "@tristream/node";
import { happening } from "./events.js";

const many = 100;
let listeners = 0;
const listening = happening();
const over = happening();

/** The handler of each call listens to the shutdown signal. */
const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    async greet(_, { shutdownSignal }) {
      shutdownSignal.addEventListener("abort", () => {});
      if (++listeners === many) listening.tell();
      await over;
      return {};
    },
    async *greetStream(requests) {
      for await (const _ of requests) yield {};
    },
  });

async function call(client: { greet(message: object): Promise<unknown> }): Promise<void> {
  const calls = Array.from({ length: many }, () => client.greet({}));
  await listening;
  over.tell();
  await Promise.all(calls);
}

const cases: Record<string, () => Promise<void>> = {
  async handlers() {
    await using server = await serve({ host: "127.0.0.1", port: 0, routes });
    await using transport = createTransport(server.url);
    await call(createClient(GreetService, transport));
  },
  async mounted() {
    const { signal } = new AbortController();
    const adapter = connectNodeAdapter({ routes: mount(routes, { shutdownSignal: signal }) });
    const server = createServer(adapter).listen(0, "127.0.0.1");
    await once(server, "listening");
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await call(createConnectClient(GreetService, createGrpcTransport({ baseUrl })));
    process.exit(0);
  },
  async shared() {
    const stop = new AbortController();
    const servers = [];
    const chats = [];
    for (let i = 0; i < many; i++) {
      const server = await serve({ host: "127.0.0.1", port: 0, routes });
      servers.push(server);
      const transport = createTransport(server.url);
      const chat = createClient(GreetService, transport).greetStream({ signal: stop.signal });
      await chat.send({});
      await chat.receive();
      chats.push(chat);
    }
    stop.abort();
    for (const chat of chats) await chat.receive().catch(() => {});
    for (const server of servers) await server.shutdown({ graceMs: 0 });
  },
};

await cases[process.argv[2]!]!();
