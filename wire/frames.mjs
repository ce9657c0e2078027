// SPDX-License-Identifier: Apache-2.0
// HTTP/2 frames as bytes, valid and invalid ones, for the programs that attack or probe a peer. The packages share no code with
// this file.

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export const Type = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
};

export const Flag = { ACK: 1, END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 };

const codeNames = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
];

export const codeName = (code) => codeNames[code] ?? String(code);

/** A frame; `length` is the payload's unless it is to lie. */
export function frame(type, flags, id, payload = [], length = payload.length) {
  const header = Buffer.alloc(9);
  header.writeUIntBE(length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, Buffer.from(payload)]);
}

export function uint32(...values) {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, i * 4);
  });
  return bytes;
}

/** An HPACK block of literals without indexing and without Huffman; strings are bytes. */
export function block(fields) {
  const text = (value) => {
    const bytes = Buffer.from(value, "latin1");
    if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
    const length = [127];
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    return Buffer.concat([Buffer.of(...length, rest), bytes]);
  };
  return Buffer.concat(
    fields.map((field, i) => (i % 2 === 0 ? Buffer.concat([Buffer.of(0), text(field)]) : text(field))),
  );
}

/** HEADERS of fields, or of a ready block. */
export function headers(id, fields, { end = false, endHeaders = true, pad, dependsOn } = {}) {
  const body = Buffer.isBuffer(fields) ? fields : block(fields);
  const flags =
    (end ? Flag.END_STREAM : 0) |
    (endHeaders ? Flag.END_HEADERS : 0) |
    (pad === undefined ? 0 : Flag.PADDED) |
    (dependsOn === undefined ? 0 : Flag.PRIORITY);
  const payload = Buffer.concat([
    Buffer.from(pad === undefined ? [] : [pad]),
    dependsOn === undefined ? Buffer.alloc(0) : Buffer.concat([uint32(dependsOn), Buffer.of(16)]),
    body,
    Buffer.alloc(pad ?? 0),
  ]);
  return frame(Type.HEADERS, flags, id, payload);
}

export const continuation = (id, body, endHeaders = true) =>
  frame(Type.CONTINUATION, endHeaders ? Flag.END_HEADERS : 0, id, body);

/** DATA; a number stands for so many bytes. */
export function data(id, body, { end = false, pad } = {}) {
  const bytes = typeof body === "number" ? Buffer.alloc(body) : body;
  const flags = (end ? Flag.END_STREAM : 0) | (pad === undefined ? 0 : Flag.PADDED);
  const before = Buffer.from(pad === undefined ? [] : [pad]);
  return frame(Type.DATA, flags, id, Buffer.concat([before, bytes, Buffer.alloc(pad ?? 0)]));
}

/** SETTINGS: id, value, id, value … */
export function settings(...pairs) {
  const payload = Buffer.alloc(pairs.length * 3);
  for (let i = 0; i < pairs.length; i += 2) {
    payload.writeUInt16BE(pairs[i], i * 3);
    payload.writeUInt32BE(pairs[i + 1], i * 3 + 2);
  }
  return frame(Type.SETTINGS, 0, 0, payload);
}

export const settingsAck = frame(Type.SETTINGS, Flag.ACK, 0);
export const rst = (id, code) => frame(Type.RST_STREAM, 0, id, uint32(code));
export const windowUpdate = (id, increment) => frame(Type.WINDOW_UPDATE, 0, id, uint32(increment));
export const goAway = (last, code) => frame(Type.GOAWAY, 0, 0, uint32(last, code));
export const ping = (text, ack = false) =>
  frame(Type.PING, ack ? Flag.ACK : 0, 0, Buffer.from(text, "latin1"));
export const priority = (id, dependsOn) =>
  frame(Type.PRIORITY, 0, id, Buffer.concat([uint32(dependsOn), Buffer.of(16)]));
