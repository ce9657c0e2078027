// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";
import { settingLength } from "../connection/settings.js";
import { Flag, FrameType } from "./frame-type.js";

/** Parameters in one SETTINGS frame past which the peer is asked to calm down; six are defined. */
const maxSettings = 32;

/**
 * Checks a frame's stream id and length by RFC 9113 §6, before any of its payload is read. Throws the connection error that the
 * RFC asks for.
 */
export function checkFrameHeader(type: number, flags: number, streamId: number, length: number): void {
  switch (type) {
    case FrameType.DATA:
      onStream("DATA", streamId);
      atLeast("DATA", length, (flags & Flag.PADDED) !== 0 ? 1 : 0);
      return;
    case FrameType.HEADERS:
      onStream("HEADERS", streamId);
      atLeast(
        "HEADERS",
        length,
        ((flags & Flag.PADDED) !== 0 ? 1 : 0) + ((flags & Flag.PRIORITY) !== 0 ? 5 : 0),
      );
      return;
    case FrameType.PRIORITY:
      onStream("PRIORITY", streamId);
      exactly("PRIORITY", length, 5);
      return;
    case FrameType.RST_STREAM:
      onStream("RST_STREAM", streamId);
      exactly("RST_STREAM", length, 4);
      return;
    case FrameType.SETTINGS:
      onConnection("SETTINGS", streamId);
      if ((flags & Flag.ACK) !== 0) exactly("SETTINGS ACK", length, 0);
      else if (length % settingLength !== 0)
        throw frameSize(`SETTINGS of ${length} bytes: a multiple of 6 allowed`);
      if (length > maxSettings * settingLength) {
        throw new Http2ConnectionError(
          ErrorCode.ENHANCE_YOUR_CALM,
          `SETTINGS with ${length / settingLength} parameters: at most ${maxSettings} are accepted`,
        );
      }
      return;
    case FrameType.PING:
      onConnection("PING", streamId);
      exactly("PING", length, 8);
      return;
    case FrameType.GOAWAY:
      onConnection("GOAWAY", streamId);
      atLeast("GOAWAY", length, 8);
      return;
    case FrameType.WINDOW_UPDATE:
      exactly("WINDOW_UPDATE", length, 4);
  }
}

function onStream(name: string, streamId: number): void {
  if (streamId === 0)
    throw new Http2ConnectionError(ErrorCode.PROTOCOL_ERROR, `${name} on stream 0 (RFC 9113 §6)`);
}

function onConnection(name: string, streamId: number): void {
  if (streamId !== 0) {
    throw new Http2ConnectionError(
      ErrorCode.PROTOCOL_ERROR,
      `${name} on stream ${streamId}, not 0 (RFC 9113 §6)`,
    );
  }
}

function exactly(name: string, length: number, expected: number): void {
  if (length !== expected) throw frameSize(`${name} of ${length} bytes: ${expected} allowed (RFC 9113 §6)`);
}

function atLeast(name: string, length: number, least: number): void {
  if (length < least) throw frameSize(`${name} of ${length} bytes: at least ${least} needed (RFC 9113 §6)`);
}

function frameSize(message: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, message);
}
