// SPDX-License-Identifier: Apache-2.0
// Rows 15, 23, 34, 44, 45, 47, 49, 51 to 53 at a client, which has sent a GET on stream 1. See probe-list.mjs.
import { block, data, frame, goAway, headers, rst, settings, Type } from "../../wire/frames.mjs";

const ok = [":status", "200"];
const trailers = ["x", "y"];
const interim = (status) => [":status", status];
const malformed = "RST PROTOCOL_ERROR, error";
const broken = "GOAWAY PROTOCOL_ERROR, error";

export const clientProbes = [
  {
    row: 15,
    title: "SETTINGS_ENABLE_PUSH of 1",
    rfc: "GOAWAY PROTOCOL_ERROR §6.5.2",
    input: [settings(2, 1)],
    ours: broken,
  },
  {
    row: 23,
    title: "HEADERS of a stream that was not opened",
    rfc: "GOAWAY PROTOCOL_ERROR §5.1.1",
    input: [headers(3, ok)],
    ours: broken,
  },
  {
    row: 34,
    title: "HEADERS without END_STREAM within the body",
    rfc: "RST PROTOCOL_ERROR §8.1",
    input: [headers(1, ok), data(1, 5), headers(1, trailers)],
    ours: malformed,
  },
  {
    row: 42,
    title: "a body longer than content-length",
    rfc: "RST PROTOCOL_ERROR §8.1.1",
    input: [headers(1, [...ok, "content-length", "4"]), data(1, 5, { end: true })],
    ours: malformed,
  },
  {
    row: 44,
    title: "several interim responses, then the final one",
    rfc: "answer §8.1",
    input: [headers(1, interim("103")), headers(1, interim("103")), headers(1, ok, { end: true })],
    ours: "ignored, answer",
  },
  {
    row: 44,
    title: "an interim response with END_STREAM",
    rfc: "RST PROTOCOL_ERROR §8.1",
    input: [headers(1, interim("103"), { end: true })],
    ours: malformed,
  },
  {
    row: 44,
    title: ":status 101",
    rfc: "RST PROTOCOL_ERROR §8.6",
    input: [headers(1, interim("101"))],
    ours: malformed,
  },
  {
    row: 45,
    title: "DATA before HEADERS",
    rfc: "RST PROTOCOL_ERROR §8.1",
    input: [data(1, 5, { end: true })],
    ours: malformed,
  },
  {
    row: 45,
    title: "DATA after an interim response",
    rfc: "RST PROTOCOL_ERROR §8.1",
    input: [headers(1, interim("103")), data(1, 5, { end: true })],
    ours: malformed,
  },
  {
    row: 47,
    title: "PUSH_PROMISE, though push is off",
    rfc: "GOAWAY PROTOCOL_ERROR §6.6",
    input: [frame(Type.PUSH_PROMISE, 4, 1, Buffer.concat([Buffer.of(0, 0, 0, 2), block(ok)]))],
    ours: broken,
  },
  {
    row: 49,
    title: "GOAWAY with a larger last id than before",
    rfc: "must not be sent §6.8",
    input: [goAway(1, 0), goAway(3, 0)],
    ours: broken,
  },
  {
    row: 49,
    title: "GOAWAY with an even last id",
    rfc: "must not be sent §6.8",
    input: [goAway(2, 0)],
    ours: broken,
  },
  {
    row: 49,
    title: "GOAWAY, then the rest of the response",
    rfc: "answer §6.8",
    input: [headers(1, ok), goAway(2 ** 31 - 1, 0), goAway(1, 0), data(1, 5, { end: true })],
    ours: "closed, answer",
  },
  {
    row: 51,
    title: "RST_STREAM NO_ERROR after the whole response",
    rfc: "answer §8.1",
    input: [headers(1, ok), data(1, 5, { end: true }), rst(1, 0)],
    ours: "ignored, answer",
  },
  {
    row: 52,
    title: "RST_STREAM NO_ERROR before the end of the response",
    rfc: "error §8.1",
    input: [headers(1, ok), data(1, 5), rst(1, 0)],
    ours: "ignored, error",
  },
  {
    row: 53,
    title: "the socket closes before the end of the response",
    rfc: "error §8.1",
    input: [headers(1, ok), data(1, 5)],
    closes: true,
    ours: "error",
  },
  {
    row: 53,
    title: "the socket closes within a frame",
    rfc: "error §8.1",
    input: [headers(1, ok), data(1, 5, { end: true }).subarray(0, 12)],
    closes: true,
    ours: "error",
  },
];
