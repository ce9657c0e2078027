// SPDX-License-Identifier: Apache-2.0
// Rows 1 to 11, 46 to 48: the start, frames, windows. See probe-list.mjs.
import {
  block,
  data,
  frame,
  headers,
  ping,
  preface,
  priority,
  Type,
  windowUpdate,
} from "../../wire/frames.mjs";
import { get, hang, later } from "./steps.mjs";

const max = 2 ** 31 - 1;
const zeros = (n) => Buffer.alloc(n);

export const frameProbes = [
  {
    row: 1,
    title: "HTTP/1.1 instead of the preface",
    rfc: "GOAWAY PROTOCOL_ERROR or close §3.4",
    early: true,
    input: [Buffer.from("GET / HTTP/1.1\r\nhost: a\r\n\r\n")],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 1,
    title: "PING before SETTINGS",
    rfc: "GOAWAY PROTOCOL_ERROR §3.4",
    early: true,
    input: [preface, ping("12345678")],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 1,
    title: "nothing for 12 s",
    rfc: "-",
    early: true,
    input: [later],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 2,
    title: "idle, DATA",
    rfc: "GOAWAY PROTOCOL_ERROR §5.1",
    input: [data(1, 5)],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 3,
    title: "idle, RST_STREAM",
    rfc: "GOAWAY PROTOCOL_ERROR §6.4",
    input: [frame(Type.RST_STREAM, 0, 1, zeros(4))],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 4,
    title: "idle, WINDOW_UPDATE",
    rfc: "GOAWAY PROTOCOL_ERROR §5.1",
    input: [windowUpdate(1, 5)],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 5,
    title: "idle, PRIORITY",
    rfc: "ignored §5.3.2",
    input: [priority(1, 0)],
    ours: "ignored",
  },
  {
    row: 5,
    title: "open, PRIORITY",
    rfc: "ignored §5.3.2",
    given: [hang(1)],
    input: [priority(1, 0)],
    ours: "ignored",
  },
  {
    row: 6,
    title: "PRIORITY of 4 bytes",
    rfc: "RST FRAME_SIZE_ERROR §6.3",
    given: [hang(1)],
    input: [frame(Type.PRIORITY, 0, 1, zeros(4))],
    ours: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    row: 7,
    title: "PRIORITY of a stream on itself",
    rfc: "ignored; RFC 7540: RST PROTOCOL_ERROR",
    given: [hang(1)],
    input: [priority(1, 1)],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 7,
    title: "HEADERS with priority on itself",
    rfc: "ignored; RFC 7540: RST PROTOCOL_ERROR",
    input: [headers(1, get, { end: true, dependsOn: 1 })],
    answers: true,
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 8,
    title: "a stream's WINDOW_UPDATE by 0",
    rfc: "RST PROTOCOL_ERROR §6.9",
    given: [hang(1)],
    input: [windowUpdate(1, 0)],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 9,
    title: "the connection's WINDOW_UPDATE by 0",
    rfc: "GOAWAY PROTOCOL_ERROR §6.9",
    input: [windowUpdate(0, 0)],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 10,
    title: "a stream's window of 2^31",
    rfc: "RST FLOW_CONTROL_ERROR §6.9.1",
    given: [hang(1)],
    input: [windowUpdate(1, max)],
    ours: "RST FLOW_CONTROL_ERROR + GOAWAY FLOW_CONTROL_ERROR",
  },
  {
    row: 11,
    title: "the connection's window of 2^31",
    rfc: "GOAWAY FLOW_CONTROL_ERROR §6.9.1",
    input: [windowUpdate(0, max)],
    ours: "GOAWAY FLOW_CONTROL_ERROR",
  },
];

const zeroStream = [
  ["RST_STREAM", Type.RST_STREAM, 4],
  ["DATA", Type.DATA, 4],
  ["HEADERS", Type.HEADERS, 4],
  ["PRIORITY", Type.PRIORITY, 5],
];
const wrongLength = [
  ["RST_STREAM of 3 bytes", Type.RST_STREAM, 1, 3],
  ["PING of 7 bytes", Type.PING, 0, 7],
  ["WINDOW_UPDATE of 3 bytes", Type.WINDOW_UPDATE, 0, 3],
  ["GOAWAY of 7 bytes", Type.GOAWAY, 0, 7],
];

export const lastFrameProbes = [
  ...wrongLength.map(([title, type, id, n]) => ({
    row: 46,
    title,
    rfc: "GOAWAY FRAME_SIZE_ERROR §6",
    given: [hang(1)],
    input: [frame(type, 0, id, zeros(n))],
    ours: "GOAWAY FRAME_SIZE_ERROR",
  })),
  ...zeroStream.map(([name, type, n]) => ({
    row: 46,
    title: `${name} on stream 0`,
    rfc: "GOAWAY PROTOCOL_ERROR §6",
    input: [frame(type, 0, 0, zeros(n))],
    ours: "GOAWAY PROTOCOL_ERROR",
  })),
  ...["PING", "GOAWAY"].map((name) => ({
    row: 46,
    title: `${name} on stream 1`,
    rfc: "GOAWAY PROTOCOL_ERROR §6",
    input: [frame(Type[name], 0, 1, zeros(8))],
    ours: "GOAWAY PROTOCOL_ERROR",
  })),
  {
    row: 47,
    title: "PUSH_PROMISE",
    rfc: "GOAWAY PROTOCOL_ERROR §8.4",
    given: [hang(1)],
    input: [frame(Type.PUSH_PROMISE, 4, 1, Buffer.concat([Buffer.of(0, 0, 0, 2), block(get)]))],
    ours: "GOAWAY PROTOCOL_ERROR",
  },
  {
    row: 48,
    title: "a header block with index 0",
    rfc: "GOAWAY COMPRESSION_ERROR §4.3",
    input: [headers(1, Buffer.of(0x80))],
    ours: "GOAWAY COMPRESSION_ERROR",
  },
  {
    row: 48,
    title: "a header block with a table size above theirs",
    rfc: "GOAWAY COMPRESSION_ERROR §4.3",
    input: [headers(1, Buffer.concat([Buffer.of(0x3f, 0xe2, 0x1f), block(get)]), { end: true })],
    ours: "GOAWAY COMPRESSION_ERROR",
  },
];
