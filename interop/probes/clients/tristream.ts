// SPDX-License-Identifier: Apache-2.0
// The client that is probed, on `@tristream/http2` alone: makes a request to each port that comes on stdin, and prints
// "OUTCOME PORT answer" or "OUTCOME PORT error" once it knows.
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Connection } from "@tristream/http2";
import { TcpLink } from "../../rig/tcp-link.js";

const request = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "127.0.0.1"];

for await (const port of createInterface({ input: process.stdin })) call(port);

function call(port: string): void {
  const connection = new Connection("client", new TcpLink(connect(Number(port), "127.0.0.1")));
  let told = false;
  const tell = (outcome: string): void => {
    if (!told) console.log(`OUTCOME ${port} ${outcome}`);
    told = true;
  };
  connection.start({});
  const stream = connection.open(
    {
      headers: (_list, end) => end && tell("answer"),
      data: (_bytes, start, to) => stream.credit(to - start),
      trailers: () => tell("answer"),
      end: () => tell("answer"),
      reset: () => tell("error"),
      writable() {},
    },
    request,
    true,
  );
}
