// express.ts: gRPC-Web and Connect over HTTP/1.1

import { expressConnectMiddleware } from "@connectrpc/connect-express";
import { mount } from "@tristream/node";
import express from "express";
import { routes } from "./routes.js";

const app = express();
app.use(expressConnectMiddleware({ routes: mount(routes) })); // before any body parser
app.listen(20000, "127.0.0.1");
