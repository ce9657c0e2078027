// SPDX-License-Identifier: Apache-2.0
// The client of node:http2 that is probed: makes a request to each port that comes on stdin, and prints
// "OUTCOME PORT answer" or "OUTCOME PORT error" once it knows.
import { connect } from "node:http2";
import { createInterface } from "node:readline";

for await (const port of createInterface({ input: process.stdin })) call(port);

function call(port) {
  const session = connect(`http://127.0.0.1:${port}`, { settings: { enablePush: false } });
  let told = false;
  const tell = (outcome) => {
    if (!told) console.log(`OUTCOME ${port} ${outcome}`);
    told = true;
  };
  session.on("error", () => tell("error"));
  const stream = session.request({ ":path": "/" });
  stream.on("error", () => tell("error"));
  stream.on("end", () => tell("answer"));
  stream.resume();
}
