// SPDX-License-Identifier: Apache-2.0
// client.ts: for each port that comes on stdin, connects to it, makes one request, and waits for the next line.
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Connection } from "@tristream/http2";
import { TcpLink } from "../rig/tcp-link.js";

// h2specd reads no SETTINGS: it holds 16,384 to be the largest frame that is accepted, whatever was announced.
const options = { maxFrameSize: 16_384 };
const request = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "127.0.0.1"];

for await (const line of createInterface({ input: process.stdin })) {
  const socket = connect(Number(line), "127.0.0.1");
  await once(socket, "connect");
  const connection = new Connection("client", new TcpLink(socket), options);
  connection.start({});
  const stream = connection.open(
    {
      headers() {},
      data: (_bytes, start, end) => stream.credit(end - start),
      trailers() {},
      end() {},
      reset() {},
      writable() {},
    },
    request,
    true,
  );
}
process.exit();
