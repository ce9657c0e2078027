// SPDX-License-Identifier: Apache-2.0
import { createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock, type Direction } from "@tristream/testing";
import { all, errorOf } from "./events.js";
import { allLinks, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";

const headerLength = 9;
const frameNames = [
  "DATA",
  "HEADERS",
  "PRIORITY",
  "RST_STREAM",
  "SETTINGS",
  "PUSH",
  "PING",
  "GOAWAY",
  "WINDOW_UPDATE",
];

/** The frames of a direction: type, flags, stream and payload; what belongs to the connection alone is left out. */
function framesOf(bytes: Buffer): string[] {
  const frames: string[] = [];
  let at = bytes.toString("latin1", 0, 3) === "PRI" ? 24 : 0;
  while (at < bytes.length) {
    const length = bytes.readUIntBE(at, 3);
    const type = frameNames[bytes[at + 3]!]!;
    const stream = bytes.readUInt32BE(at + 5);
    const payload = bytes.subarray(at + headerLength, at + headerLength + length).toString("hex");
    if (stream !== 0) frames.push(`${stream} ${type} ${bytes[at + 4]} ${payload}`);
    at += headerLength + length;
  }
  return frames;
}

/** One conversation of all kinds, step by step, so that nothing depends on how chunks arrive. */
async function converse(link: LinkKind): Promise<Record<Direction, string[]>> {
  const log: Record<Direction, Buffer[]> = { "client-to-server": [], "server-to-client": [] };
  await using end = await link.start({
    tap: (bytes, direction) => void log[direction].push(Buffer.from(bytes)),
    acceptCompression: [],
    // By a clock that stands, the header with the rest of the timeout is the same each time.
    transport: { acceptCompression: [], clock: createClock() },
    routes: (r) => r.service(GreetService, greeter()),
  });
  const client = createClient(GreetService, end.transport, { group: "" });
  await client.greet({ name: "a" });
  await client.greet({ name: "a" }, { headers: { "x-a": "1" }, timeoutMs: 50_000 });
  await all(client.greetServerStream({ name: "b" }));
  const upload = client.greetClientStream();
  await upload.send({ name: "c" });
  await upload.closeAndReceive();
  const chat = client.greetStream();
  for (const name of ["d", "e"]) {
    await chat.send({ name });
    await chat.receive();
  }
  await chat.closeRequest();
  await chat.receive();
  await errorOf(createClient(GreetService, end.transport, { group: "none" }).greet({}));
  return {
    "client-to-server": framesOf(Buffer.concat(log["client-to-server"])),
    "server-to-client": framesOf(Buffer.concat(log["server-to-client"])),
  };
}

/** Header blocks carry the authority, and are compared by their number. */
function withoutHeaderBlocks(frames: string[]): string[] {
  return frames.map((frame) => frame.replace(/( HEADERS \d+) .*/, "$1"));
}

test("a conversation has the same frames over memory as over sockets", async () => {
  const logs = await Promise.all(allLinks.map((link) => converse(link)));
  const [tcp, unix, memory] = logs as [(typeof logs)[0], (typeof logs)[0], (typeof logs)[0]];
  // Over unix sockets and memory the authority is `localhost`: every byte of every stream is the same.
  expect(memory).toEqual(unix);
  expect(memory["server-to-client"]).toEqual(tcp["server-to-client"]);
  expect(withoutHeaderBlocks(memory["client-to-server"])).toEqual(
    withoutHeaderBlocks(tcp["client-to-server"]),
  );
  expect(memory["client-to-server"].length).toBeGreaterThan(10);
});

test("a conversation has the same bytes each time", async () => {
  const memory = allLinks.find((link) => link.name === "memory")!;
  expect(await converse(memory)).toEqual(await converse(memory));
});

test("a cancel is one RST_STREAM(CANCEL) and no END_STREAM", async () => {
  for (const link of allLinks) {
    const sent: Buffer[] = [];
    await using end = await link.start({
      tap: (bytes, direction) => void (direction === "client-to-server" && sent.push(Buffer.from(bytes))),
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    await chat.receive();
    chat.cancel();
    chat.cancel();
    await chat.closeResponse();
    await client.greet({});
    const first = framesOf(Buffer.concat(sent)).filter((frame) => frame.startsWith("1 "));
    expect(first.map((frame) => frame.split(" ")[1])).toEqual(["HEADERS", "DATA", "RST_STREAM"]);
    expect(first.at(-1)).toBe("1 RST_STREAM 0 00000008");
    expect(first.filter((frame) => (Number(frame.split(" ")[2]) & 1) === 1)).toEqual([]);
  }
});
