// SPDX-License-Identifier: Apache-2.0

import type { Http2Options } from "../src/connection/options.js";
import { Setting } from "../src/connection/settings.js";
import { clientPreface } from "../src/frame/frame-type.js";
import {
  block,
  continuation,
  data,
  frame,
  goAway,
  headers,
  indexingRequest,
  join,
  newest,
  ping,
  priority,
  request,
  response,
  rst,
  settings,
  settingsAck,
  windowUpdate,
} from "./frames.js";
import { type Call, record } from "./replay.js";
import type { Role } from "./subject.js";

/** All that one end hears of its peer, and what it does itself when it starts. */
export interface Conversation {
  readonly title: string;
  readonly role: Role;
  readonly bytes: Uint8Array;
  readonly calls: readonly Call[];
  readonly options: Http2Options;
  /** The code that the connection ends with, "" for an orderly end; undefined when it goes on. */
  readonly ends?: string;
}

const narrow: Http2Options = { connectionWindow: 65_535, maxStreamWindow: 65_535, maxFrameSize: 16_384 };
const to = (path: string, ...more: string[]) => [
  ":method",
  "POST",
  ":scheme",
  "http",
  ":path",
  path,
  ...more,
];
const get = (path: string, body = 0, trailers = false): Call => ({ path, body, trailers });

/** Calls whose conversation is recorded, and heard again by either end. */
const recorded: readonly [string, readonly Call[], Http2Options, string?][] = [
  ["a call without bodies", [get("/empty")], {}],
  ["unary calls", [get("/send/5", 7), get("/send/0", 3), get("/send/300", 0)], {}],
  ["trailers both ways", [get("/send/12", 5, true), get("/send/0", 0, true)], {}],
  ["an answer before the request has ended", [get("/early", 2000), get("/send/5", 5)], {}],
  ["a request that the server resets", [get("/cancel", 500), get("/send/5", 5)], {}],
  ["a server that leaves", [get("/send/9", 9), get("/leave"), get("/send/4", 4)], {}, ""],
  [
    "as many streams as may be open",
    Array.from({ length: 9 }, (_, i) => get(`/send/${i}`, i)),
    { maxConcurrentStreams: 3 },
  ],
];

/** The same, with bodies that pass every window: too long to be cut at each byte. */
const recordedLarge: readonly [string, readonly Call[], Http2Options][] = [
  ["large bodies", [get("/send/70000", 66_000, true), get("/send/7000", 70_000)], {}],
  ["large bodies through narrow windows", [get("/send/68000", 66_000), get("/send/9000", 9000)], narrow],
];

function bothEnds([title, calls, options, ends]: (typeof recorded)[number]): Conversation[] {
  const { toServer, toClient } = record(calls, options);
  const shared = { title, options, ...(ends === undefined ? {} : { ends }) };
  return [
    { ...shared, role: "server", bytes: toServer, calls: [] },
    { ...shared, role: "client", bytes: toClient, calls },
  ];
}

const preface = join(clientPreface, settings(), settingsAck);
const toServer = (title: string, bytes: readonly Uint8Array[], ends?: string): Conversation => ({
  title,
  role: "server",
  bytes: join(preface, ...bytes),
  calls: [],
  options: { maxConcurrentStreams: 3 },
  ...(ends === undefined ? {} : { ends }),
});
const toClient = (
  title: string,
  calls: number,
  bytes: readonly Uint8Array[],
  ends?: string,
): Conversation => ({
  title,
  role: "client",
  bytes: join(settings(), settingsAck, ...bytes),
  calls: Array.from({ length: calls }, () => get("/", 0)),
  options: {},
  ...(ends === undefined ? {} : { ends }),
});

const handmade: readonly Conversation[] = [
  toServer("header blocks in many frames", [
    headers(1, block(to("/send/3")).subarray(0, 4), { endHeaders: false, end: true, pad: 3, dependsOn: 7 }),
    continuation(1, block(to("/send/3")).subarray(4, 20), false),
    continuation(1, block(to("/send/3")).subarray(20)),
    headers(3, to("/send/1")),
    data(3, 5),
    headers(3, block(["x", "y"]).subarray(0, 1), { endHeaders: false, end: true }),
    continuation(3, block(["x", "y"]).subarray(1)),
  ]),
  toServer("padding", [
    headers(1, to("/send/9"), { pad: 20 }),
    data(1, 30, { pad: 0 }),
    data(1, 0, { pad: 255 }),
    data(1, 10, { pad: 10, end: true }),
  ]),
  toServer("resets", [
    headers(1, to("/send/1")),
    data(1, 10),
    rst(1, 8),
    data(1, 4, { pad: 2 }),
    headers(3, to("/cancel")),
    data(3, 5),
    data(3, 5, { end: true }),
    headers(5, to("/send/1"), { end: true }),
    rst(5, 0),
  ]),
  toServer("changing SETTINGS and windows", [
    settings(Setting.INITIAL_WINDOW_SIZE, 3, Setting.HEADER_TABLE_SIZE, 0),
    headers(1, to("/send/400"), { end: true }),
    settings(Setting.INITIAL_WINDOW_SIZE, 100, Setting.HEADER_TABLE_SIZE, 4096),
    windowUpdate(1, 50),
    settings(Setting.INITIAL_WINDOW_SIZE, 0, Setting.MAX_FRAME_SIZE, 20_000),
    windowUpdate(0, 1000),
    windowUpdate(1, 260),
    settings(0x99, 1),
    settings(Setting.INITIAL_WINDOW_SIZE, 200),
  ]),
  toServer("malformed requests and too many of them", [
    headers(1, to("/send/1", "Bad", "x")),
    data(1, 3, { end: true }),
    headers(3, to("/send/1", "content-length", "4")),
    data(3, 3),
    headers(5, to("/send/1")),
    headers(7, to("/send/1")),
    headers(9, indexingRequest),
    data(9, 9, { end: true }),
    data(3, 3),
    headers(11, join(block(to("/send/2")), newest), { end: true }),
    headers(5, ["x", "y"]),
  ]),
  toServer("frames that mean nothing", [
    frame(0xfa, 3, 0, new Uint8Array(40)),
    priority(5, 0),
    ping("12345678"),
    ping("whatever", true),
    headers(1, to("/send/1")),
    data(1, 0),
    frame(0x0b, 0, 1),
    data(1, 0, { end: true }),
    windowUpdate(1, 5),
    rst(1, 8),
  ]),
  toServer(
    "GOAWAY, and then what is left",
    [headers(1, to("/send/5")), goAway(0, 0, "bye"), data(1, 3, { end: true })],
    "",
  ),
  toServer("GOAWAY, and a request behind it", [goAway(0, 0), headers(1, to("/send/5"), { end: true })], ""),
  toServer(
    "the end of everything within a chunk",
    [headers(1, to("/send/1")), data(1, 5), rst(99, 8), headers(3, to("/send/1"), { end: true })],
    "PROTOCOL_ERROR",
  ),
  toServer(
    "a header block that can't be decoded",
    [headers(1, request), headers(3, Uint8Array.of(0x80))],
    "COMPRESSION_ERROR",
  ),
  toServer(
    "a frame that is too large",
    [headers(1, request), frame(0xfa, 0, 1, new Uint8Array(9), 70_000)],
    "FRAME_SIZE_ERROR",
  ),
  toServer(
    "padding that is too long",
    [headers(1, request), frame(0, 8, 1, Uint8Array.of(5, 0, 0, 0, 0))],
    "PROTOCOL_ERROR",
  ),
  toServer(
    "a header block that is interrupted",
    [headers(1, block(request).subarray(0, 3), { endHeaders: false }), ping("12345678")],
    "PROTOCOL_ERROR",
  ),
  toClient("every kind of response", 6, [
    headers(1, [":status", "103"]),
    headers(1, response),
    data(1, 100, { pad: 0 }),
    headers(3, response, { end: true }),
    data(1, 20),
    headers(1, ["grpc-status", "0"], { end: true }),
    rst(1, 0),
    data(5, 10),
    headers(7, block(response).subarray(0, 1), { endHeaders: false }),
    continuation(7, block(response).subarray(1)),
    data(7, 5, { end: true }),
    rst(9, 7),
    headers(11, response),
    data(11, 5),
    rst(11, 0),
  ]),
  toClient(
    "fewer streams than calls, and GOAWAY",
    6,
    [
      settings(Setting.MAX_CONCURRENT_STREAMS, 2),
      headers(1, response, { end: true }),
      headers(3, [...response, "content-length", "3"]),
      data(3, 3, { end: true }),
      goAway(2 ** 31 - 1, 0),
      headers(5, response),
      goAway(5, 0, "enough"),
      data(5, 9),
      headers(5, ["x", "y"], { end: true }),
    ],
    "",
  ),
  toClient(
    "GOAWAY that says more than before",
    2,
    [goAway(1, 0), goAway(3, 0), headers(1, response)],
    "PROTOCOL_ERROR",
  ),
  toClient(
    "a promise",
    1,
    [headers(1, response), frame(5, 4, 1, join(Uint8Array.of(0, 0, 0, 2), block(request)))],
    "PROTOCOL_ERROR",
  ),
];

/** Conversations of every kind, short enough to be cut at each byte. */
export const conversations: readonly Conversation[] = [...recorded.flatMap(bothEnds), ...handmade];

/** Conversations with bodies that pass every window. */
export const largeConversations: readonly Conversation[] = recordedLarge.flatMap(bothEnds);
