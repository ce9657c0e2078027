// SPDX-License-Identifier: Apache-2.0
// client.ts NAME PORT doubts|alone: keeps one stream silent for 370 s on a connection with the default options. With "doubts", the deadline
// of another call passes every 15 s, so that the client doubts its peer as often as it may. Prints "PASS NAME: …" or "FAIL NAME: …".
import { connect, createServer } from "node:net";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";

const pingType = 6;
const goAwayType = 7;
const frameHeader = 9;
const preface = 24;

const [server, port, mode] = process.argv.slice(2);
const name = `${server}, ${mode}`;

/** A relay, which counts frames by type. */
const seen: string[] = [];
const start = performance.now();
let connections = 0;
function frames(label: string, skip: number, wanted: number[]): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let left = skip;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const skipped = Math.min(left, rest.length);
    left -= skipped;
    rest = rest.subarray(skipped);
    while (rest.length >= frameHeader && rest.length >= frameHeader + rest.readUIntBE(0, 3)) {
      const type = rest[3]!;
      const isAck = (rest[4]! & 1) !== 0;
      if (wanted.includes(type) && !isAck) {
        const seconds = Math.round((performance.now() - start) / 1000);
        seen.push(`${type === pingType ? "PING" : "GOAWAY"} ${label} at ${seconds} s`);
      }
      rest = rest.subarray(frameHeader + rest.readUIntBE(0, 3));
    }
  };
}
const relay = createServer((client) => {
  const id = ++connections;
  const to = connect(Number(port), "127.0.0.1");
  client.on("data", frames(`of connection ${id}`, preface, [pingType]));
  to.on("data", frames(`on connection ${id}`, 0, [goAwayType]));
  client.on("error", () => to.destroy());
  to.on("error", () => client.destroy());
  client.pipe(to).pipe(client);
});
await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
const address = relay.address();
if (address === null || typeof address === "string") throw new Error("the relay has no port");

const transport = createTransport(`tri://127.0.0.1:${address.port}`);
const client = createClient(GreetService, transport);
try {
  const stream = client.greetServerStream({ name: "silent" });
  const got = [(await stream.receive())?.greeting];
  let late = 0;
  const doubts = setInterval(() => {
    if (mode === "alone") return;
    client.greet({}, { timeoutMs: 500 }).catch((error: unknown) => {
      if (error instanceof ConnectError && error.code === Code.DeadlineExceeded) late++;
      else console.log(`${name}: a call failed otherwise: ${String(error)}`);
    });
  }, 15_000);
  for (let next = await stream.receive(); next !== undefined; next = await stream.receive())
    got.push(next.greeting);
  clearInterval(doubts);
  if (got.join() !== "first,last" || seen.some((each) => each.startsWith("GOAWAY")))
    throw new Error(got.join());
  console.log(
    `PASS ${name}: ${got.join()}; ${late} deadlines passed, ${connections} connections; ${seen.join(", ")}`,
  );
} catch (error) {
  process.exitCode = 1;
  console.log(`FAIL ${name}: ${String(error)}; ${connections} connections; ${seen.join(", ")}`);
}
await transport.close();
relay.close();
