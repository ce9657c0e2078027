// SPDX-License-Identifier: Apache-2.0

import { maxUint31, readUint32, writeUint32 } from "../frame/frame-type.js";
import { ErrorCode, Http2ConnectionError } from "./error-code.js";

/** Identifiers of SETTINGS (RFC 9113 §6.5.2). */
export const Setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

/** Bytes of one parameter in a SETTINGS frame. */
export const settingLength = 6;

/** The peer's settings; the RFC's initial values until its SETTINGS arrive. */
export class PeerSettings {
  headerTableSize = 4096;
  initialWindowSize = 65_535;
  maxFrameSize = 16_384;
  maxHeaderListSize = Number.POSITIVE_INFINITY;
  /**
   * RFC 9113 sets no initial limit. Before the first SETTINGS a client holds itself to 100: peers answer a first
   * flight beyond that with mass refusals (grpc-go#1060, golang/go#39389).
   */
  maxConcurrentStreams = 100;
}

/** Checks one parameter against RFC 9113 §6.5.2 and throws the connection error that it asks for. */
export function validateSetting(id: number, value: number, fromServer: boolean): void {
  switch (id) {
    case Setting.ENABLE_PUSH:
      if (value > 1 || (fromServer && value === 1)) {
        throw new Http2ConnectionError(
          ErrorCode.PROTOCOL_ERROR,
          `SETTINGS_ENABLE_PUSH is ${value}: only ${fromServer ? "0" : "0 and 1"} allowed (RFC 9113 §6.5.2)`,
        );
      }
      return;
    case Setting.INITIAL_WINDOW_SIZE:
      if (value > maxUint31) {
        throw new Http2ConnectionError(
          ErrorCode.FLOW_CONTROL_ERROR,
          `SETTINGS_INITIAL_WINDOW_SIZE is ${value}: at most 2^31-1 allowed (RFC 9113 §6.5.2)`,
        );
      }
      return;
    case Setting.MAX_FRAME_SIZE:
      if (value < 16_384 || value > 16_777_215) {
        throw new Http2ConnectionError(
          ErrorCode.PROTOCOL_ERROR,
          `SETTINGS_MAX_FRAME_SIZE is ${value}: 16384 to 16777215 allowed (RFC 9113 §6.5.2)`,
        );
      }
  }
}

/** Calls `apply` for each parameter of a SETTINGS payload, in order; unknown ones are passed on too. */
export function parseSettings(
  b: Uint8Array,
  start: number,
  end: number,
  apply: (id: number, value: number) => void,
): void {
  for (let at = start; at + settingLength <= end; at += settingLength) {
    apply((b[at]! << 8) | b[at + 1]!, readUint32(b, at + 2));
  }
}

/** Writes one parameter; returns the offset behind it. */
export function formatSetting(b: Uint8Array, at: number, id: number, value: number): number {
  b[at] = id >>> 8;
  b[at + 1] = id;
  writeUint32(b, at + 2, value);
  return at + settingLength;
}
