// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../src/connection/error-code.js";
import { Setting } from "../src/connection/settings.js";
import { FrameType } from "../src/frame/frame-type.js";
import {
  block,
  bytes,
  data,
  frame,
  goAway,
  headers,
  indexingRequest,
  join,
  newest,
  ping,
  request,
  rst,
  settings,
  windowUpdate,
} from "./frames.js";
import type { Subject } from "./subject.js";
import { answered, both, broke1, broken1, client, lost1, opened, type Row, server } from "./transitions.js";

const { CANCEL, COMPRESSION_ERROR, FRAME_SIZE_ERROR, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM } = ErrorCode;
const zeros = (n: number) => new Uint8Array(n);
const trailers = ["x", "y"];
const closedInMidCall = "closed the other end closed it in mid-call, or its process was killed";
const cancel = (s: Subject) => s.stream().reset(CANCEL);
/** The server has said both its GOAWAY frames while stream 1 is open. */
const drained = (s: Subject) => {
  s.connection.shutdown();
  s.receive(ping("drain\0\0\u0001", true));
};

const lengths: readonly [string, string, number, number, number][] = [
  ["6.4", "RST_STREAM of 3 bytes", FrameType.RST_STREAM, 1, 3],
  ["6.4", "RST_STREAM of 5 bytes", FrameType.RST_STREAM, 1, 5],
  ["6.7", "PING of 7 bytes", FrameType.PING, 0, 7],
  ["6.7", "PING of 9 bytes", FrameType.PING, 0, 9],
  ["6.9", "WINDOW_UPDATE of 3 bytes", FrameType.WINDOW_UPDATE, 0, 3],
  ["6.9", "WINDOW_UPDATE of 5 bytes", FrameType.WINDOW_UPDATE, 1, 5],
  ["6.8", "GOAWAY of 7 bytes", FrameType.GOAWAY, 0, 7],
];
const ids: readonly [string, string, number, number, number][] = [
  ["6.7", "PING on a stream", FrameType.PING, 1, 8],
  ["6.8", "GOAWAY on a stream", FrameType.GOAWAY, 1, 8],
  ["6.4", "RST_STREAM on the connection", FrameType.RST_STREAM, 0, 4],
  ["6.1", "DATA on the connection", FrameType.DATA, 0, 4],
  ["6.2", "HEADERS on the connection", FrameType.HEADERS, 0, 4],
  ["6.3", "PRIORITY on the connection", FrameType.PRIORITY, 0, 5],
];

/** Limits, sizes, GOAWAY, the end. */
export const endingRows: readonly Row[] = [
  {
    rfc: "5.1.2",
    title: "over our SETTINGS_MAX_CONCURRENT_STREAMS, decoded all the same",
    roles: server,
    given: [opened, headers(3, request)],
    input: [headers(5, indexingRequest), data(5, 100), headers(1, newest, { end: true })],
    sees: ["1 trailers x y"],
    sends: ["RST_STREAM 5 REFUSED_STREAM"],
  },
  {
    rfc: "5.1.2",
    title: "REFUSED_STREAM, and the next request when there is room",
    roles: server,
    given: [opened, headers(3, request), headers(5, request)],
    input: [rst(1, CANCEL), headers(7, request, { end: true })],
    sees: ["1 reset CANCEL peer maybe-processed", "7 request END /s/m"],
  },
  ...lengths.map(
    ([rfc, title, type, id, n]): Row => ({
      rfc,
      title,
      roles: both,
      given: [opened],
      input: [frame(type, 0, id, zeros(n))],
      sees: [lost1],
      dies: FRAME_SIZE_ERROR,
    }),
  ),
  ...ids.map(
    ([rfc, title, type, id, n]): Row => ({
      rfc,
      title,
      roles: both,
      given: [opened],
      input: [frame(type, 0, id, zeros(n))],
      sees: [lost1],
      dies: PROTOCOL_ERROR,
    }),
  ),
  {
    rfc: "8.4",
    title: "PUSH_PROMISE",
    roles: both,
    given: [opened],
    input: [frame(FrameType.PUSH_PROMISE, 4, 1, join(Uint8Array.of(0, 0, 0, 2), block(request)))],
    sees: [lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "4.3",
    title: "a header block with index 0",
    roles: server,
    input: [headers(1, Uint8Array.of(0x80))],
    dies: COMPRESSION_ERROR,
  },
  {
    rfc: "4.3",
    title: "a header block with a table size above ours",
    roles: both,
    given: [opened],
    input: [headers(1, Uint8Array.of(0x3f, 0xe2, 0x1f))],
    sees: [lost1],
    dies: COMPRESSION_ERROR,
  },
  {
    rfc: "4.3",
    title: "an undecodable header block on a stream that we reset",
    roles: both,
    given: [opened, cancel],
    input: [headers(1, Uint8Array.of(0x80))],
    dies: COMPRESSION_ERROR,
  },
  {
    rfc: "6.8",
    title: "GOAWAY with a larger last id than before",
    roles: both,
    given: [opened],
    input: [goAway(1, NO_ERROR), goAway(3, NO_ERROR)],
    sees: ["goaway NO_ERROR 1", lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "6.8",
    title: "GOAWAY with an even last id",
    roles: client,
    given: [opened],
    input: [goAway(2, NO_ERROR)],
    sees: [lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "6.8",
    title: "GOAWAY with lower last ids",
    roles: client,
    given: [opened, opened],
    input: [goAway(2 ** 31 - 1, NO_ERROR), goAway(3, NO_ERROR), goAway(1, NO_ERROR)],
    sees: [
      "goaway NO_ERROR 2147483647",
      "goaway NO_ERROR 3",
      "goaway NO_ERROR 1",
      "3 reset REFUSED_STREAM connection unprocessed",
    ],
  },
  {
    rfc: "6.8",
    title: "streams above the last id of our GOAWAY are decoded and dropped",
    roles: server,
    given: [opened, drained],
    input: [
      headers(3, indexingRequest),
      data(3, 1000, { pad: 3 }),
      windowUpdate(3, 5),
      rst(3, CANCEL),
      headers(5, ["x", "y"]),
      headers(1, newest),
    ],
    sees: [broken1, "closed"],
    sends: [broke1],
    ends: true,
  },
  {
    rfc: "6.8",
    title: "a stream up to the last id of our GOAWAY goes on",
    roles: server,
    given: [opened, drained],
    input: [headers(3, indexingRequest), data(1, 5), headers(1, newest, { end: true })],
    sees: ["1 data 5", "1 trailers x y"],
  },
  {
    rfc: "8.1",
    title: "RST_STREAM with NO_ERROR after the whole response",
    roles: client,
    given: [answered],
    input: [headers(1, trailers, { end: true }), rst(1, NO_ERROR)],
    sees: ["1 trailers x y", "1 reset NO_ERROR peer maybe-processed"],
  },
  {
    rfc: "8.1",
    title: "RST_STREAM with NO_ERROR after the exchange is complete",
    roles: client,
    given: [answered, (s) => s.stream().sendEnd()],
    input: [headers(1, trailers, { end: true }), rst(1, NO_ERROR)],
    sees: ["1 trailers x y"],
  },
  {
    rfc: "8.1",
    title: "RST_STREAM with NO_ERROR before the response's end",
    roles: client,
    given: [answered],
    input: [data(1, 5), rst(1, NO_ERROR)],
    sees: ["1 data 5", "1 reset NO_ERROR peer maybe-processed"],
  },
  {
    rfc: "8.7",
    title: "RST_STREAM with REFUSED_STREAM",
    roles: client,
    given: [opened],
    input: [rst(1, REFUSED_STREAM)],
    sees: ["1 reset REFUSED_STREAM peer unprocessed"],
  },
  {
    rfc: "5.4.3",
    title: "the link ends before the response does",
    roles: client,
    given: [answered],
    input: [data(1, 5), (s) => s.close()],
    sees: ["1 data 5", lost1, closedInMidCall],
    ends: true,
  },
  {
    rfc: "5.4.3",
    title: "the link fails while a stream waits",
    roles: client,
    given: [settings(Setting.MAX_CONCURRENT_STREAMS, 1), answered, opened],
    input: [(s) => s.close(new Error("ECONNRESET"))],
    sees: ["0 reset CANCEL connection not-sent", lost1, "closed ECONNRESET"],
    ends: true,
  },
  {
    rfc: "5.4.3",
    title: "bytes end within a frame",
    roles: both,
    given: [answered],
    input: [data(1, 5).slice(0, 12), (s) => s.close()],
    sees: ["1 data 3", lost1, closedInMidCall],
    ends: true,
  },
  {
    rfc: "5.4.3",
    title: "bytes of another kind arrive after the end",
    roles: both,
    input: [(s) => s.close(), bytes("late")],
    sees: ["closed"],
    ends: true,
  },
];
