// fastify.ts

import { createContextKey, createContextValues } from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import { mount } from "@tristream/node";
import { fastify } from "fastify";
import { routes } from "./routes.js";

export const clientAddress = createContextKey(""); // for handlers: context.values.get(clientAddress)
const stopping = new AbortController();

const app = fastify({ http2: true }); // without it: HTTP/1.1
app.addHook("preClose", async () => stopping.abort());
await app.register(fastifyConnectPlugin, {
  routes: mount(routes, { shutdownSignal: stopping.signal }),
  contextValues: (req) => createContextValues().set(clientAddress, req.ip),
});
await app.listen({ port: 20000, host: "127.0.0.1" });
