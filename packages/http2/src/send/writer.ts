// SPDX-License-Identifier: Apache-2.0

import { formatSetting, settingLength } from "../connection/settings.js";
import { Flag, FrameType, writeUint32 } from "../frame/frame-type.js";
import type { HpackEncoder } from "../hpack/encoder.js";
import { HeaderBlock } from "../hpack/header-block.js";
import { type Output, outputSize } from "./output.js";

/** Bytes of a header block that are written in one piece into the output; a longer one is put together aside. */
const inPlace = 8192;

/** Writes every frame but DATA into an {@link Output}. */
export class Writer {
  readonly encoder: HpackEncoder;
  /** Header lists sent so far. */
  headerBlocks = 0;
  private readonly output: Output;

  constructor(output: Output, encoder: HpackEncoder) {
    this.output = output;
    this.encoder = encoder;
  }

  /** Bytes that are no frame: the preface. */
  raw(bytes: Uint8Array): void {
    this.output.room(bytes.length);
    this.output.buffer.set(bytes, this.output.position);
    this.output.position += bytes.length;
  }

  /** A header list as HEADERS, and CONTINUATION when it passes the peer's frame size (RFC 9113 §6.2, §6.10). */
  headers(streamId: number, headers: HeaderBlock | readonly string[], end: boolean, maxFrame: number): void {
    const { output, encoder } = this;
    this.headerBlocks++;
    const flags = end ? Flag.END_HEADERS | Flag.END_STREAM : Flag.END_HEADERS;
    const block = headers instanceof HeaderBlock ? headers : null;
    const fields = block === null ? (headers as readonly string[]) : block.fields;
    const bound = encoder.maxLength(fields);
    if (bound <= inPlace) {
      output.room(bound + 9);
      const payload = output.frame(0, FrameType.HEADERS, flags, streamId);
      try {
        const after =
          block === null
            ? encoder.encode(fields, output.buffer, payload)
            : encoder.encodeBlock(block, output.buffer, payload);
        output.close(payload, after);
      } catch (error) {
        output.takeBack(payload);
        throw error;
      }
      return;
    }
    const bytes = new Uint8Array(bound);
    this.split(
      streamId,
      bytes.subarray(0, encoder.encode(fields, bytes, 0)),
      end,
      Math.min(maxFrame, outputSize - 9),
    );
  }

  /** RST_STREAM. */
  reset(streamId: number, code: number): void {
    writeUint32At(this.output, this.output.frame(4, FrameType.RST_STREAM, 0, streamId), code);
  }

  /** WINDOW_UPDATE; stream 0 is the connection. */
  windowUpdate(streamId: number, increment: number): void {
    writeUint32At(this.output, this.output.frame(4, FrameType.WINDOW_UPDATE, 0, streamId), increment);
  }

  /** SETTINGS: id, value, id, value … */
  settings(pairs: readonly number[]): void {
    let at = this.output.frame((pairs.length / 2) * settingLength, FrameType.SETTINGS, 0, 0);
    for (let i = 0; i < pairs.length; i += 2)
      at = formatSetting(this.output.buffer, at, pairs[i]!, pairs[i + 1]!);
  }

  /** SETTINGS with ACK. */
  settingsAcknowledgement(): void {
    this.output.frame(0, FrameType.SETTINGS, Flag.ACK, 0);
  }

  /** PING with the eight bytes at `start`. */
  ping(bytes: Uint8Array, start: number, acknowledgement: boolean): void {
    const at = this.output.frame(8, FrameType.PING, acknowledgement ? Flag.ACK : 0, 0);
    this.output.buffer.set(bytes.subarray(start, start + 8), at);
  }

  /** GOAWAY; `debug` is cut at 256 bytes. */
  goAway(lastStreamId: number, code: number, debug: string): void {
    const text = new TextEncoder().encode(debug).subarray(0, 256);
    const at = this.output.frame(8 + text.length, FrameType.GOAWAY, 0, 0);
    writeUint32At(this.output, at, lastStreamId);
    writeUint32At(this.output, at + 4, code);
    this.output.buffer.set(text, at + 8);
  }

  private split(streamId: number, block: Uint8Array, end: boolean, maxFrame: number): void {
    for (let at = 0; at === 0 || at < block.length; at += maxFrame) {
      const part = block.subarray(at, at + maxFrame);
      const last = at + maxFrame >= block.length ? Flag.END_HEADERS : 0;
      const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const flags = at === 0 && end ? last | Flag.END_STREAM : last;
      const payload = this.output.frame(part.length, type, flags, streamId);
      this.output.buffer.set(part, payload);
    }
  }
}

function writeUint32At(output: Output, at: number, value: number): void {
  writeUint32(output.buffer, at, value);
}
