// SPDX-License-Identifier: Apache-2.0
// How the states of probes come about.
import { data, headers, rst, Type } from "../../wire/frames.mjs";

export const requestTo = (method, path) => [
  ":method",
  method,
  ":scheme",
  "http",
  ":path",
  path,
  ":authority",
  "127.0.0.1",
];
/** A request that is answered with 200 once it has ended. */
export const get = requestTo("GET", "/");
export const post = (path) => requestTo("POST", path);

/** Opens a stream whose server never answers. */
export const hang = (id) => headers(id, post("/hang"));
/** The same, half-closed (remote) for the server. */
export const hangEnded = (id) => headers(id, post("/hang"), { end: true });

/** Longer than any peer waits for the start of a connection. */
export const later = (wire) => wire.until(() => false, 12_000).then(() => undefined);

/** Waits for a response and so many bytes of it. */
export const answered =
  (bytes = 0) =>
  async (wire) => {
    const received = () =>
      wire.frames.reduce((sum, f) => sum + (f.type === Type.DATA ? f.payload.length : 0), 0);
    const answer = () => wire.frames.some(({ type }) => type === Type.HEADERS) && received() >= bytes;
    await wire.until(answer, 3000);
  };

/** A stream that both sides have ended. */
export const bothEnded = (id) => [headers(id, get, { end: true }), answered()];

/** A stream that the server has reset, because of trailers without END_STREAM. */
export const resetByServer = (id) => [
  headers(id, post("/hang")),
  headers(id, ["x", "y"]),
  (wire) =>
    wire.until(() => wire.frames.some(({ type }) => type === Type.RST_STREAM), 3000).then(() => undefined),
];

/** A stream that we have reset. */
export const resetByUs = (id) => [hang(id), data(id, 5), rst(id, 8)];

/** The server has said that it takes no streams above 3, of which it serves 1. */
export const drained = [
  headers(1, post("/hang")),
  headers(3, post("/shutdown")),
  (wire) => wire.until(() => wire.frames.some(isLastGoAway), 3000).then(() => undefined),
];

function isLastGoAway({ type, payload }) {
  return type === Type.GOAWAY && payload.readUInt32BE(0) < 2 ** 31 - 1;
}

// One byte of content, since padding alone counts as a frame that carries nothing.
const paddingFrame = data(1, 1, { pad: 255 });
const framesAtOnce = 100;
const rounds = 100;

/**
 * Sends padded DATA on stream 1, as its windows allow: a stream that is not read gets back what padding took, or it is stuck
 * for ever. `wire.stuck` tells.
 */
export async function paddingFrames(wire) {
  const bytes = Buffer.concat(Array.from({ length: framesAtOnce }, () => paddingFrame));
  const size = framesAtOnce * 257;
  for (let round = 0; round < rounds && !wire.stuck; round++) {
    const open = () => wire.windowOf(0) >= size && wire.windowOf(1) >= size;
    wire.stuck = (await wire.until(open, 1000)) !== true;
    if (wire.stuck) return;
    wire.send(bytes);
    for (const id of [0, 1]) wire.spent.set(id, (wire.spent.get(id) ?? 0) + size);
  }
}
