// SPDX-License-Identifier: Apache-2.0
// Random header lists, the same in every run: through our encoder and decoder, and against node:http2 (nghttp2).
import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  sensitiveHeaders,
} from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, it } from "@jest/globals";
import { HpackDecoder } from "./decoder.js";
import { HpackEncoder } from "./encoder.js";
import { HeaderBlock } from "./header-block.js";

/** Mulberry32: numbers below `below`, from a seed. */
function randomFrom(seed: number) {
  return (below: number) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomFrom>;

const NAMES = [
  ...[
    "content-type",
    "user-agent",
    "accept",
    "authorization",
    "cookie",
    "grpc-timeout",
    "traceparent",
    "etag",
  ],
  ...[
    "grpc-encoding",
    "x-tenant",
    "x-user",
    "x-a",
    "x-b",
    "x-c",
    "x-secret",
    "x-request-id",
    "server",
    "via",
  ],
];

/** Mostly few values again and again, sometimes a long or a new one; `first` is the lowest char code. */
function randomFields(random: Random, first: number, longest: number): string[] {
  const fields: string[] = [];
  for (let count = random(12); count > 0; count--) {
    const name = random(20) === 0 ? `x-${random(2000).toString(36)}` : (NAMES[random(NAMES.length)] ?? "");
    const kind = random(10);
    const length = kind === 0 ? random(random(20) === 0 ? longest : 80) : 0;
    const codes = Array.from({ length }, () => first + random(random(2) === 0 ? 95 : 256 - first));
    // 127 is the one control character above 31.
    const odd = String.fromCharCode(...codes.map((code) => (code === 127 && first > 0 ? 128 : code)));
    fields.push(
      name,
      kind === 0 ? odd : kind < 3 ? `${random(1e6)}` : `value ${random(4)}`.repeat(1 + random(3)),
    );
  }
  return fields;
}

it("20,000 random lists come out as they went in, while the table size changes and blocks fail", () => {
  const random = randomFrom(7541);
  const encoder = new HpackEncoder(4096, { sensitive: new Set(["x-secret"]) });
  const decoder = new HpackDecoder({ maxListSize: 1 << 20 });
  const blocks = Array.from({ length: 8 }, () => new HeaderBlock(randomFields(random, 0, 200)));
  const sizes = [0, 33, 64, 100, 300, 1000, 2000, 4096, 4096, 65536];
  const out = new Uint8Array(1 << 17);
  const seen = { blocks: 0, full: 0, same: 0, broken: 0, failed: 0 };
  let last: unknown;
  for (let round = 0; round < 20_000; round++) {
    if (random(50) === 0) {
      for (let changes = random(4); changes > 0; changes--)
        encoder.setPeerTableSize(sizes[random(sizes.length)] ?? 0);
    }
    if (random(200) === 0) {
      const broken = [...randomFields(random, 0, 200), "x-a", "\u2020", "x-b", "1"];
      try {
        encoder.encode(broken, out, 0);
      } catch (error) {
        if (error instanceof RangeError) seen.failed++;
      }
      seen.broken++;
    }
    const block = random(3) === 0 ? blocks[random(blocks.length)] : undefined;
    const fields = block?.fields ?? randomFields(random, 0, 6000);
    const start = random(100);
    const end = block ? encoder.encodeBlock(block, out, start) : encoder.encode(fields, out, start);
    const list = decoder.decode(out, start, end);
    // Not expect() for what is done 20,000 times: that would take a minute.
    const size = fields.reduce((sum, text) => sum + text.length + 16, 0);
    if (list.fields.join("\n") !== fields.join("\n") || list.size !== size)
      throw new Error(`${fields} came out as ${list.fields}, of ${list.size} bytes and not ${size}`);
    const [ours, theirs] = [encoder.table, decoder.table].map((table) => `${table.size} of ${table.maxSize}`);
    if (ours !== theirs) throw new Error(`the encoder's table has ${ours} bytes, the decoder's ${theirs}`);
    if (end - start > encoder.maxLength(fields)) throw new Error(`${end - start} bytes for ${fields}`);
    seen.blocks += block ? 1 : 0;
    seen.full += decoder.table.size > 3500 ? 1 : 0;
    seen.same += list === last ? 1 : 0;
    last = list;
  }
  // The test's worth: it does reach these states.
  expect(seen.blocks).toBeGreaterThan(5000);
  expect(seen.full).toBeGreaterThan(1000);
  expect(seen.same).toBeGreaterThan(50);
  expect(seen.failed).toBe(seen.broken);
  expect(seen.failed).toBeGreaterThan(50);
});

const HEADERS = 1;
const SETTINGS = 4;
const WINDOW_UPDATE = 8;
const ACK = 1;
const END_STREAM_AND_HEADERS = 5;

let server: Http2Server;
let socket: Socket;
afterEach(() => {
  socket?.destroy();
  server?.close();
});

function frame(type: number, flags: number, id: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const header = [length >> 16, (length >> 8) & 0xff, length & 0xff, type, flags, 0, 0, id >> 8, id & 0xff];
  return Uint8Array.from([...header, ...payload]);
}

function onFrames(read: (type: number, flags: number, id: number, payload: Uint8Array) => void): void {
  let rest = new Uint8Array(0);
  socket.on("data", (chunk: Uint8Array) => {
    rest = Uint8Array.from([...rest, ...chunk]);
    for (;;) {
      const [a = 0, b = 0, c = 0, type = 0, flags = 0, , , d = 0, e = 0] = rest;
      const end = 9 + ((a << 16) | (b << 8) | c);
      if (rest.length < 9 || rest.length < end) return;
      read(type, flags, (d << 8) | e, rest.slice(9, end));
      rest = rest.slice(end);
    }
  });
}

it("node:http2 reads 4,000 random blocks of ours and we read its answers, while both change table sizes", async () => {
  const random = randomFrom(9113);
  const encoder = new HpackEncoder(4096, { sensitive: new Set(["x-secret"]) });
  const decoder = new HpackDecoder();
  const requests = new Map<number, string[]>();
  const responses = new Map<number, string[]>();
  const failures: string[] = [];
  let unanswered = 0;

  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // The types of Node 20 don't know the fourth argument, the fields as received.
  const onStream = (stream: ServerHttp2Stream, _: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    const id = stream.id ?? 0;
    const sent = requests.get(id)?.join("\n");
    if (raw.join("\n") !== sent) failures.push(`node read ${raw}, not ${sent}`);
    // node refuses a second value for some names, so there is one of each.
    const fields = new Map<string, string>();
    const list = randomFields(random, 32, 200);
    for (let i = 0; i < list.length; i += 2) fields.set(list[i] ?? "", (list[i + 1] ?? "").trim());
    responses.set(id, [":status", "200", ...[...fields].flat()]);
    const headers = {
      ":status": 200,
      ...Object.fromEntries(fields),
      [sensitiveHeaders]: ["x-secret", "via"],
    };
    const options = { sendDate: false, endStream: true }; // not in the types of Node 20 either
    stream.respond(headers, options);
  };
  server.on("stream", onStream as (...args: unknown[]) => void);

  socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("close", () => socket.emit("answered"));
  onFrames((type, flags, id, payload) => {
    if (type === SETTINGS && flags !== ACK) {
      // In each of 6 bytes, HEADER_TABLE_SIZE is 1. What node says binds our encoder.
      for (let i = 0; i < payload.length; i += 6) {
        const [, name, a = 0, b = 0, c = 0, d = 0] = payload.subarray(i, i + 6);
        if (name === 1) encoder.setPeerTableSize(((a * 256 + b) * 256 + c) * 256 + d);
      }
      socket.write(frame(SETTINGS, ACK, 0, new Uint8Array(0)));
    } else if (type === HEADERS) {
      const read = decoder.decode(payload, 0, payload.length).fields.join("\n");
      const sent = responses.get(id)?.join("\n");
      if (read !== sent) failures.push(`we read ${read}, not ${sent}`);
      if (--unanswered === 0) socket.emit("answered");
    } else if (type !== SETTINGS && type !== WINDOW_UPDATE) failures.push(`frame ${type}: ${payload}`);
  });
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(SETTINGS, 0, 0, new Uint8Array(0)));
  const [session] = (await once(server, "session")) as [ServerHttp2Session];

  const out = new Uint8Array(8192);
  for (let id = 1; id < 8000; ) {
    const parts: Uint8Array[] = [];
    for (let changes = random(3); changes > 0; changes--) {
      parts.push(frame(SETTINGS, 0, 0, Uint8Array.from([0, 1, 0, 0, random(17), 0])));
      session.settings({ headerTableSize: random(6000) });
    }
    const answered = once(socket, "answered");
    for (unanswered = 0; unanswered < 50; unanswered++, id += 2) {
      const pseudo = [
        ":method",
        "POST",
        ":scheme",
        "http",
        ":path",
        `/s/${random(6)}`,
        ":authority",
        "localhost",
      ];
      const fields = [...pseudo, ...randomFields(random, 32, 1000).map((text) => text.trim())];
      requests.set(id, fields);
      parts.push(frame(HEADERS, END_STREAM_AND_HEADERS, id, out.slice(0, encoder.encode(fields, out, 0))));
    }
    for (const part of parts) socket.write(part);
    await answered;
    expect(failures).toEqual([]);
    expect(unanswered).toBe(0);
  }
  expect(responses.size).toBe(4000);
});
