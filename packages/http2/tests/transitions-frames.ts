// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../src/connection/error-code.js";
import { Setting } from "../src/connection/settings.js";
import { clientPreface, FrameType } from "../src/frame/frame-type.js";
import {
  bytes,
  data,
  frame,
  headers,
  ping,
  priority,
  request,
  rst,
  settings,
  settingsAck,
  windowUpdate,
} from "./frames.js";
import type { Subject } from "./subject.js";
import { both, client, lost1, opened, others, type Row, server } from "./transitions.js";

const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR } = ErrorCode;
const max = 2 ** 31 - 1;
const zeros = (n: number) => new Uint8Array(n);
const at = (ms: number) => (s: Subject) => s.connection.advance(1000 + ms);
const _write = (n: number) => (s: Subject) => {
  s.stream().write(zeros(n), false);
};

/** The start, PRIORITY, WINDOW_UPDATE. */
export const frameRows: readonly Row[] = [
  {
    rfc: "3.4",
    title: "another protocol's first bytes",
    roles: server,
    early: true,
    input: [bytes("GET / HTTP/1.1\r\n\r\n")],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "3.4",
    title: "a preface that is wrong at its end",
    roles: server,
    early: true,
    input: [clientPreface.slice(0, 23), bytes("x")],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "3.4",
    title: "PING before SETTINGS",
    roles: server,
    early: true,
    input: [clientPreface, ping("12345678")],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "3.4",
    title: "PING before SETTINGS",
    roles: client,
    early: true,
    input: [ping("12345678")],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "3.4",
    title: "a SETTINGS ACK before SETTINGS",
    roles: client,
    early: true,
    input: [settingsAck],
    dies: PROTOCOL_ERROR,
  },
  { rfc: "3.4", title: "nothing for 10 s", roles: both, early: true, input: [at(10_000)] },
  {
    rfc: "3.4",
    title: "nothing for more than 10 s",
    roles: both,
    early: true,
    input: [at(10_001)],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "3.4",
    title: "a preface without SETTINGS for more than 10 s",
    roles: server,
    early: true,
    input: [clientPreface, at(10_001)],
    dies: PROTOCOL_ERROR,
  },
  { rfc: "5.1", title: "idle, DATA", roles: both, input: [data(1, 5)], dies: PROTOCOL_ERROR },
  {
    rfc: "5.1",
    title: "idle above an open one, DATA",
    roles: both,
    given: [opened],
    input: [data(3, 5)],
    sees: [lost1],
    dies: PROTOCOL_ERROR,
  },
  { rfc: "6.4", title: "idle, RST_STREAM", roles: both, input: [rst(1, 8)], dies: PROTOCOL_ERROR },
  { rfc: "6.4", title: "an even id, RST_STREAM", roles: both, input: [rst(2, 8)], dies: PROTOCOL_ERROR },
  {
    rfc: "6.9",
    title: "idle, WINDOW_UPDATE",
    roles: both,
    input: [windowUpdate(1, 5)],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "6.9",
    title: "an id that waits for the peer's limit, WINDOW_UPDATE",
    roles: client,
    given: [settings(Setting.MAX_CONCURRENT_STREAMS, 0), opened],
    input: [windowUpdate(1, 5)],
    sees: ["0 reset CANCEL connection not-sent"],
    dies: PROTOCOL_ERROR,
  },
  { rfc: "6.3", title: "idle, PRIORITY", roles: both, input: [priority(1, 0), priority(7, 5)] },
  { rfc: "6.3", title: "open, PRIORITY", roles: both, given: [opened], input: [priority(1, 3)] },
  { rfc: "6.3", title: "closed, PRIORITY", roles: both, given: [others(1, 1)], input: [priority(1, 3)] },
  {
    rfc: "6.3",
    title: "PRIORITY of 4 bytes",
    roles: both,
    input: [frame(FrameType.PRIORITY, 0, 1, zeros(4))],
    dies: FRAME_SIZE_ERROR,
  },
  {
    rfc: "6.3",
    title: "PRIORITY of 6 bytes",
    roles: both,
    input: [frame(FrameType.PRIORITY, 0, 1, zeros(6))],
    dies: FRAME_SIZE_ERROR,
  },
  {
    rfc: "5.3.1",
    title: "PRIORITY that names its own stream",
    roles: both,
    input: [priority(1, 1)],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "5.3.1",
    title: "HEADERS that depend on their own stream",
    roles: server,
    input: [headers(1, request, { dependsOn: 1 })],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "5.3.1",
    title: "HEADERS that depend on another stream",
    roles: server,
    input: [headers(1, request, { dependsOn: 3, pad: 3 })],
    sees: ["1 request /s/m"],
  },
  {
    rfc: "6.9",
    title: "WINDOW_UPDATE of a stream by 0",
    roles: both,
    given: [opened],
    input: [windowUpdate(1, 0)],
    sees: [lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "6.9",
    title: "WINDOW_UPDATE of the connection by 0",
    roles: both,
    input: [windowUpdate(0, 0)],
    dies: PROTOCOL_ERROR,
  },
  {
    rfc: "6.9.1",
    title: "a stream's window of 2^31-1",
    roles: both,
    given: [opened],
    input: [windowUpdate(1, max - 65_535)],
  },
  {
    rfc: "6.9.1",
    title: "a stream's window of 2^31",
    roles: both,
    given: [opened],
    input: [windowUpdate(1, max - 65_534)],
    // The stream's error that the RFC names, and the connection's, which costs the peer more than it does us.
    sends: ["RST_STREAM 1 FLOW_CONTROL_ERROR"],
    sees: [lost1],
    dies: FLOW_CONTROL_ERROR,
  },
  {
    rfc: "6.9.1",
    title: "the connection's window of 2^31-1",
    roles: both,
    input: [windowUpdate(0, max - 65_535)],
  },
  {
    rfc: "6.9.1",
    title: "the connection's window of 2^31",
    roles: both,
    input: [windowUpdate(0, max - 65_534)],
    dies: FLOW_CONTROL_ERROR,
  },
];
