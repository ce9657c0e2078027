// SPDX-License-Identifier: Apache-2.0
// As much of HTTP/2's framing as carries header blocks.

export const Type = { HEADERS: 1, SETTINGS: 4, WINDOW_UPDATE: 8, CONTINUATION: 9 } as const;

/** The setting that bounds the table of the other side's encoder. */
export const HEADER_TABLE_SIZE = 1;

const END_STREAM = 1;
const END_HEADERS = 4;
/** The largest frame that every peer takes (RFC 9113 §6.5.2). */
const smallestMaxFrameSize = 16_384;

export function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, payload]);
}

/** SETTINGS: id, value, id, value … */
export function settings(...pairs: number[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 3);
  for (let i = 0; i < pairs.length; i += 2) {
    payload.writeUInt16BE(pairs[i]!, i * 3);
    payload.writeUInt32BE(pairs[i + 1]!, i * 3 + 2);
  }
  return frame(Type.SETTINGS, 0, 0, payload);
}

/** A request without a body: HEADERS, and CONTINUATION for what does not fit. */
export function headerFrames(id: number, block: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += smallestMaxFrameSize) {
    const last = at + smallestMaxFrameSize >= block.length ? END_HEADERS : 0;
    const part = block.subarray(at, at + smallestMaxFrameSize);
    if (at === 0) frames.push(frame(Type.HEADERS, last | END_STREAM, id, part));
    else frames.push(frame(Type.CONTINUATION, last, id, part));
  }
  return frames;
}

/** Calls `read` for every frame that arrives. */
export function readFrames(
  source: NodeJS.ReadableStream,
  read: (type: number, flags: number, id: number, payload: Buffer) => void,
): void {
  let rest = Buffer.alloc(0);
  source.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9) {
      const end = 9 + rest.readUIntBE(0, 3);
      if (rest.length < end) return;
      read(rest[3]!, rest[4]!, rest.readUInt32BE(5), rest.subarray(9, end));
      rest = rest.subarray(end);
    }
  });
}
