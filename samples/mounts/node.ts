// node.ts: gRPC, gRPC-Web and Connect over HTTP/2; with node:http over HTTP/1.1, without gRPC and bidi streams

import { createServer } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { mount } from "@tristream/node";
import { routes } from "./routes.js";

createServer(connectNodeAdapter({ routes: mount(routes) })).listen(20000, "127.0.0.1");
