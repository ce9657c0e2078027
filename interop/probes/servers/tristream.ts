// SPDX-License-Identifier: Apache-2.0
// The server that is probed, on `@tristream/http2` alone. Paths say what it does: see ../../README.md
import { createServer } from "node:net";
import { Connection, type HeaderList, type Stream } from "@tristream/http2";
import { TcpLink } from "../../rig/tcp-link.js";

const server = createServer((socket) => {
  const connection = new Connection("server", new TcpLink(socket), { maxConcurrentStreams: 2 });
  const timer = setInterval(() => connection.advance(performance.now()), 100);
  connection.start({
    stream: (stream, list, end) => serve(connection, stream, list, end),
    closed: () => clearInterval(timer),
  });
});

function serve(connection: Connection, stream: Stream, list: HeaderList, end: boolean): void {
  const path = list.get(":path") ?? "/";
  const [, size] = /^\/send\/(\d+)$/.exec(path) ?? [];
  const answer = (): void => {
    if (path === "/hang") return;
    stream.sendHeaders([":status", "200"], path === "/");
    if (size !== undefined) stream.write(new Uint8Array(Number(size)), true);
  };
  stream.sink = {
    headers() {},
    data: (_bytes, start, to) => path !== "/hang" && stream.credit(to - start),
    trailers: answer,
    end: answer,
    reset() {},
    writable() {},
  };
  if (path === "/shutdown") connection.shutdown();
  if (end || path === "/shutdown") answer();
}

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(`READY ${address.port}`);
});
