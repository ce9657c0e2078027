// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../src/connection/error-code.js";
import { Setting } from "../src/connection/settings.js";
import { clientPreface, Flag, FrameType } from "../src/frame/frame-type.js";
import {
  block,
  continuation,
  data,
  frame,
  headers,
  ping,
  request,
  settings,
  settingsAck,
  windowUpdate,
} from "./frames.js";
import type { Subject } from "./subject.js";
import { answered, both, client, lost1, opened, type Row, server } from "./transitions.js";

const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, SETTINGS_TIMEOUT } = ErrorCode;
const max = 2 ** 31 - 1;
const zeros = (n: number) => new Uint8Array(n);
const at = (ms: number) => (s: Subject) => s.connection.advance(1000 + ms);
const write = (n: number) => (s: Subject) => {
  s.stream().write(zeros(n), false);
};

/** Rows 12 to 22 of the table: SETTINGS, header blocks, sizes, padding. */
export const settingsRows: readonly Row[] = [
  {
    row: 12,
    title: "SETTINGS_INITIAL_WINDOW_SIZE of 2^31",
    roles: both,
    input: [settings(Setting.INITIAL_WINDOW_SIZE, 2 ** 31)],
    dies: FLOW_CONTROL_ERROR,
  },
  {
    row: 12,
    title: "SETTINGS_INITIAL_WINDOW_SIZE that lifts a stream's window above 2^31-1",
    roles: both,
    given: [opened, windowUpdate(1, max - 65_535)],
    input: [settings(Setting.INITIAL_WINDOW_SIZE, 65_536)],
    sees: [lost1],
    dies: FLOW_CONTROL_ERROR,
  },
  {
    row: 12,
    title: "SETTINGS_INITIAL_WINDOW_SIZE that makes a stream's window negative",
    roles: both,
    given: [windowUpdate(0, 1000), answered, write(65_536)],
    input: [settings(Setting.INITIAL_WINDOW_SIZE, 1000), windowUpdate(1, 64_535), windowUpdate(1, 1)],
    sends: ["SETTINGS ACK", "DATA 1 1"],
  },
  ...[0, 16_383, 2 ** 24].map(
    (size): Row => ({
      row: 13,
      title: `SETTINGS_MAX_FRAME_SIZE of ${size}`,
      roles: both,
      input: [settings(Setting.MAX_FRAME_SIZE, size)],
      dies: PROTOCOL_ERROR,
    }),
  ),
  {
    row: 13,
    title: "SETTINGS_MAX_FRAME_SIZE of 2^24-1",
    roles: both,
    input: [settings(Setting.MAX_FRAME_SIZE, 2 ** 24 - 1)],
    sends: ["SETTINGS ACK"],
  },
  {
    row: 14,
    title: "SETTINGS of 5 bytes",
    roles: both,
    input: [frame(FrameType.SETTINGS, 0, 0, zeros(5))],
    dies: FRAME_SIZE_ERROR,
  },
  {
    row: 14,
    title: "a SETTINGS ACK with a payload",
    roles: both,
    given: [],
    input: [frame(FrameType.SETTINGS, Flag.ACK, 0, zeros(6))],
    dies: FRAME_SIZE_ERROR,
  },
  {
    row: 14,
    title: "SETTINGS on a stream",
    roles: both,
    input: [frame(FrameType.SETTINGS, 0, 1)],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 15,
    title: "SETTINGS_ENABLE_PUSH of 2",
    roles: both,
    input: [settings(Setting.ENABLE_PUSH, 2)],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 15,
    title: "SETTINGS_ENABLE_PUSH of 1 from a server",
    roles: client,
    input: [settings(Setting.ENABLE_PUSH, 1)],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 15,
    title: "SETTINGS_ENABLE_PUSH of 1 from a client",
    roles: server,
    input: [settings(Setting.ENABLE_PUSH, 1)],
    sends: ["SETTINGS ACK"],
  },
  { row: 16, title: "a SETTINGS ACK too many", roles: both, input: [settingsAck], dies: PROTOCOL_ERROR },
  { row: 16, title: "an unsolicited PING ACK", roles: both, input: [ping("whatever", true)] },
  {
    row: 17,
    title: "our SETTINGS not acknowledged for 10 s",
    roles: client,
    early: true,
    given: [settings()],
    input: [at(10_000)],
  },
  {
    row: 17,
    title: "our SETTINGS not acknowledged for more than 10 s",
    roles: client,
    early: true,
    given: [settings()],
    input: [at(10_001)],
    dies: SETTINGS_TIMEOUT,
  },
  {
    row: 17,
    title: "our SETTINGS not acknowledged for more than 10 s",
    roles: server,
    early: true,
    given: [clientPreface, settings()],
    input: [at(10_001)],
    dies: SETTINGS_TIMEOUT,
  },
  {
    row: 17,
    title: "our SETTINGS acknowledged in time",
    roles: client,
    early: true,
    given: [settings(), settingsAck],
    input: [at(10_001)],
  },
  { row: 18, title: "an unknown setting", roles: both, input: [settings(0x99, 7)], sends: ["SETTINGS ACK"] },
  {
    row: 18,
    title: "frames of unknown types",
    roles: both,
    input: [frame(0xfa, 0xff, 0, zeros(9)), frame(0x0a, 0, 5, zeros(0)), ping("12345678")],
    sends: ["PING ACK"],
  },
  {
    row: 19,
    title: "an unknown frame inside a header block",
    roles: server,
    input: [headers(1, block(request).slice(0, 3), { endHeaders: false }), frame(0xfa, 0, 1)],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 19,
    title: "PING inside a header block",
    roles: client,
    given: [opened],
    input: [headers(1, new Uint8Array(0), { endHeaders: false }), ping("12345678")],
    sees: [lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 19,
    title: "DATA inside a header block",
    roles: client,
    given: [answered],
    input: [headers(1, new Uint8Array(0), { endHeaders: false }), data(1, 1)],
    sees: [lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 19,
    title: "CONTINUATION alone",
    roles: both,
    given: [opened],
    input: [continuation(1, block(request))],
    sees: [lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 19,
    title: "CONTINUATION after a complete header block",
    roles: server,
    input: [headers(1, request), continuation(1, new Uint8Array(0))],
    sees: ["1 request /s/m", lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 19,
    title: "CONTINUATION of another stream",
    roles: server,
    input: [headers(1, request, { endHeaders: false }), continuation(3, new Uint8Array(0))],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 19,
    title: "a header block in three frames",
    roles: server,
    input: [
      headers(1, block(request).slice(0, 5), { endHeaders: false, end: true, pad: 2 }),
      continuation(1, block(request).slice(5, 9), false),
      continuation(1, block(request).slice(9)),
    ],
    sees: ["1 request END /s/m"],
  },
  {
    row: 20,
    title: "DATA above our SETTINGS_MAX_FRAME_SIZE",
    roles: both,
    given: [answered],
    input: [frame(FrameType.DATA, 0, 1, zeros(0), 65_536)],
    sees: [lost1],
    dies: FRAME_SIZE_ERROR,
  },
  {
    row: 20,
    title: "an unknown frame above our SETTINGS_MAX_FRAME_SIZE",
    roles: both,
    input: [frame(0xfa, 0, 1, zeros(0), 65_536)],
    dies: FRAME_SIZE_ERROR,
  },
  {
    row: 20,
    title: "an unknown frame of our SETTINGS_MAX_FRAME_SIZE",
    roles: both,
    input: [frame(0xfa, 0, 1, zeros(65_535)), ping("12345678")],
    sends: ["PING ACK"],
  },
  {
    row: 21,
    title: "DATA with as much padding as there is payload",
    roles: both,
    given: [answered],
    input: [frame(FrameType.DATA, Flag.PADDED, 1, Uint8Array.of(5, 0, 0, 0, 0))],
    sees: [lost1],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 21,
    title: "DATA of padding alone",
    roles: both,
    given: [answered],
    input: [frame(FrameType.DATA, Flag.PADDED, 1, Uint8Array.of(4, 0, 0, 0, 0))],
  },
  {
    row: 21,
    title: "DATA without room for its padding length",
    roles: both,
    given: [answered],
    input: [frame(FrameType.DATA, Flag.PADDED, 1)],
    sees: [lost1],
    dies: FRAME_SIZE_ERROR,
  },
  {
    row: 21,
    title: "HEADERS with as much padding as there is payload",
    roles: server,
    input: [frame(FrameType.HEADERS, Flag.PADDED | Flag.END_HEADERS, 1, Uint8Array.of(5, 0, 0, 0, 0))],
    dies: PROTOCOL_ERROR,
  },
  {
    row: 21,
    title: "HEADERS without room for their priority",
    roles: server,
    input: [frame(FrameType.HEADERS, Flag.PRIORITY | Flag.END_HEADERS, 1, zeros(4))],
    dies: FRAME_SIZE_ERROR,
  },
  {
    row: 22,
    title: "DATA with padding, which counts whole and is given back at once",
    roles: both,
    given: [
      answered,
      (s) => {
        s.crediting = false;
      },
    ],
    // 128 times 256 bytes are half of the window: that is announced, with the window's growth.
    input: [...Array.from({ length: 128 }, () => data(1, 0, { pad: 255 })), data(1, 10, { pad: 0 })],
    sees: ["1 data 10"],
    sends: ["WINDOW_UPDATE 1 +98303"],
  },
];
