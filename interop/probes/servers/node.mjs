// SPDX-License-Identifier: Apache-2.0
// The server of node:http2 that is probed. Paths say what it does: see ../../README.md
import { createServer } from "node:http2";

const server = createServer({ settings: { maxConcurrentStreams: 2 } });

server.on("stream", (stream, headers) => {
  const path = headers[":path"] ?? "/";
  const [, size] = /^\/send\/(\d+)$/.exec(path) ?? [];
  stream.on("error", () => {});
  const answer = () => {
    if (stream.destroyed) return;
    stream.respond({ ":status": 200 });
    if (size !== undefined) stream.end(Buffer.alloc(Number(size)));
    else if (path === "/") stream.end();
  };
  if (path === "/hang") return;
  if (path === "/shutdown") {
    stream.session.close();
    answer();
    return;
  }
  stream.on("end", answer);
  stream.resume();
});
server.on("sessionError", () => {});

server.listen(0, "127.0.0.1", () => console.log(`READY ${server.address().port}`));
