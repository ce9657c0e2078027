// SPDX-License-Identifier: Apache-2.0
import { errorCodeName } from "../src/connection/error-code.js";
import { clientPreface, Flag, FrameType, readUint32, writeUint32 } from "../src/frame/frame-type.js";

/** Joins byte arrays. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes of a text of which every char code is a byte. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** A frame with any header; `length` is the payload's unless it is to lie. */
export function frame(
  type: number,
  flags: number,
  id: number,
  payload: Uint8Array = new Uint8Array(0),
  length: number = payload.length,
): Uint8Array {
  const header = Uint8Array.of(length >>> 16, length >>> 8, length, type, flags, 0, 0, 0, 0);
  writeUint32(header, 5, id);
  return join(header, payload);
}

function uint32(...values: number[]): Uint8Array {
  const b = new Uint8Array(values.length * 4);
  values.forEach((value, i) => {
    writeUint32(b, i * 4, value);
  });
  return b;
}

/** An HPACK block of literals without indexing and without Huffman: it means the same at any time. */
export function block(fields: readonly string[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < fields.length; i += 2)
    parts.push(Uint8Array.of(0), text(fields[i]!), text(fields[i + 1]!));
  return join(...parts);
}

function text(value: string): Uint8Array {
  const length = [Math.min(value.length, 127)];
  if (value.length >= 127) {
    let rest = value.length - 127;
    for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return join(Uint8Array.from(length), bytes(value));
}

/** The fields of a plain request. */
export const request: readonly string[] = [":method", "POST", ":scheme", "http", ":path", "/s/m"];
/** The fields of a plain response. */
export const response: readonly string[] = [":status", "200"];

/** Variations of {@link headers} and {@link data}. */
export interface FrameShape {
  end?: boolean;
  endHeaders?: boolean;
  /** Bytes of padding, without the one that says so. */
  pad?: number;
  /** The stream that the priority fields name. */
  dependsOn?: number;
}

/** HEADERS of fields, or of a ready block. */
export function headers(id: number, fields: readonly string[] | Uint8Array, shape: FrameShape = {}) {
  const body = fields instanceof Uint8Array ? fields : block(fields);
  const flags =
    (shape.end === true ? Flag.END_STREAM : 0) |
    (shape.endHeaders === false ? 0 : Flag.END_HEADERS) |
    (shape.pad === undefined ? 0 : Flag.PADDED) |
    (shape.dependsOn === undefined ? 0 : Flag.PRIORITY);
  const before = shape.pad === undefined ? new Uint8Array(0) : Uint8Array.of(shape.pad);
  const priority =
    shape.dependsOn === undefined ? new Uint8Array(0) : join(uint32(shape.dependsOn), Uint8Array.of(16));
  return frame(FrameType.HEADERS, flags, id, join(before, priority, body, new Uint8Array(shape.pad ?? 0)));
}

/**
 * A request whose `x: y` enters the HPACK table, as its newest entry: {@link newest} then means `x: y`, if this block
 * was decoded, and is a connection error if not.
 */
export const indexingRequest: Uint8Array = join(block(request), Uint8Array.of(0x40, 1, 0x78, 1, 0x79));
/** The newest entry of the HPACK table as a block. */
export const newest: Uint8Array = Uint8Array.of(0xbe);

/** CONTINUATION. */
export function continuation(id: number, body: Uint8Array, endHeaders = true): Uint8Array {
  return frame(FrameType.CONTINUATION, endHeaders ? Flag.END_HEADERS : 0, id, body);
}

/** DATA; a number stands for so many bytes. */
export function data(id: number, body: Uint8Array | number, shape: FrameShape = {}): Uint8Array {
  const bytes = typeof body === "number" ? new Uint8Array(body) : body;
  const flags = (shape.end === true ? Flag.END_STREAM : 0) | (shape.pad === undefined ? 0 : Flag.PADDED);
  const before = shape.pad === undefined ? new Uint8Array(0) : Uint8Array.of(shape.pad);
  return frame(FrameType.DATA, flags, id, join(before, bytes, new Uint8Array(shape.pad ?? 0)));
}

/** SETTINGS: id, value, id, value … */
export function settings(...pairs: number[]): Uint8Array {
  const payload = new Uint8Array(pairs.length * 3);
  for (let i = 0; i < pairs.length; i += 2) {
    payload[i * 3 + 1] = pairs[i]!;
    writeUint32(payload, i * 3 + 2, pairs[i + 1]!);
  }
  return frame(FrameType.SETTINGS, 0, 0, payload);
}

/** SETTINGS with ACK. */
export const settingsAck: Uint8Array = frame(FrameType.SETTINGS, Flag.ACK, 0);

/** RST_STREAM. */
export function rst(id: number, code: number): Uint8Array {
  return frame(FrameType.RST_STREAM, 0, id, uint32(code));
}

/** WINDOW_UPDATE. */
export function windowUpdate(id: number, increment: number): Uint8Array {
  return frame(FrameType.WINDOW_UPDATE, 0, id, uint32(increment));
}

/** GOAWAY. */
export function goAway(last: number, code: number, debug = ""): Uint8Array {
  return frame(FrameType.GOAWAY, 0, 0, join(uint32(last, code), bytes(debug)));
}

/** PING of a text of eight bytes. */
export function ping(payload: string | Uint8Array, ack = false): Uint8Array {
  const content = typeof payload === "string" ? bytes(payload) : payload;
  return frame(FrameType.PING, ack ? Flag.ACK : 0, 0, content);
}

/** PRIORITY. */
export function priority(id: number, dependsOn: number): Uint8Array {
  return frame(FrameType.PRIORITY, 0, id, join(uint32(dependsOn), Uint8Array.of(16)));
}

/** A frame that was read back. */
export interface ParsedFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** Reads frames back; the client's preface is left out. Throws when the bytes end within a frame, unless `partial`. */
export function parseFrames(bytes: Uint8Array, partial = false): ParsedFrame[] {
  const frames: ParsedFrame[] = [];
  let at = bytes[0] === clientPreface[0] && bytes[1] === clientPreface[1] ? clientPreface.length : 0;
  while (at < bytes.length) {
    const length = at + 9 <= bytes.length ? readUint32(bytes, at) >>> 8 : bytes.length;
    if (at + 9 + length > bytes.length && partial) break;
    if (at + 9 + length > bytes.length) throw new Error(`the output ends within a frame at ${at}`);
    const payload = bytes.slice(at + 9, at + 9 + length);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, id: readUint32(bytes, at + 5), payload });
    at += 9 + length;
  }
  return frames;
}

const typeNames = Object.keys(FrameType);

/** A frame in a line: `RST_STREAM 1 CANCEL`, `DATA 1 5 END_STREAM`, `WINDOW_UPDATE 0 +10`, `GOAWAY PROTOCOL_ERROR`. */
export function describeFrame({ type, flags, id, payload }: ParsedFrame): string {
  const name = typeNames[type] ?? `type ${type}`;
  const end = (flags & Flag.END_STREAM) !== 0 ? " END_STREAM" : "";
  const more = (flags & Flag.END_HEADERS) !== 0 ? "" : " more";
  switch (type) {
    case FrameType.DATA:
      return `${name} ${id} ${payload.length}${end}`;
    case FrameType.HEADERS:
      return `${name} ${id}${more}${end}`;
    case FrameType.CONTINUATION:
      return `${name} ${id}${more}`;
    case FrameType.RST_STREAM:
      return `${name} ${id} ${errorCodeName(readUint32(payload, 0))}`;
    case FrameType.WINDOW_UPDATE:
      return `${name} ${id} +${readUint32(payload, 0)}`;
    case FrameType.GOAWAY:
      return `${name} ${errorCodeName(readUint32(payload, 4))}`;
    default:
      return (flags & Flag.ACK) !== 0 ? `${name} ACK` : name;
  }
}
