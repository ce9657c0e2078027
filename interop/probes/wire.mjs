// SPDX-License-Identifier: Apache-2.0
import { codeName, Flag, ping, preface, Type } from "../../wire/frames.mjs";

/** One end of a connection by hand: sends bytes, reads frames, and answers nothing but PING. */
export class Wire {
  /** What was read and not taken, a frame each. */
  frames = [];
  closed = false;
  /** The other side's announced SETTINGS_MAX_FRAME_SIZE. */
  maxFrameSize = 16_384;
  /** Bytes of DATA that were sent, by stream, 0 for the connection; whoever sends them counts. */
  spent = new Map();
  #granted = new Map();
  #socket;
  #rest = Buffer.alloc(0);
  #prefaceDue;
  #barriers = 0;
  #waiting = new Set();

  /** `expectPreface`: the other side is a client. */
  constructor(socket, { expectPreface = false } = {}) {
    this.#socket = socket.setNoDelay(true);
    this.#prefaceDue = expectPreface;
    socket.on("data", (bytes) => this.#read(bytes));
    // How a connection ends is told by `close`: a reset is one way.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
      this.#look();
    });
  }

  send(...parts) {
    if (!this.closed) this.#socket.write(Buffer.concat(parts));
  }

  /** Waits until `found` gives something, or the connection is closed, or `ms` have passed; gives what it gave last. */
  async until(found, ms) {
    if (found() || this.closed) return found();
    await new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      const waiting = () => (found() || this.closed) && done();
      const waitings = this.#waiting;
      waitings.add(waiting);
      function done() {
        clearTimeout(timer);
        waitings.delete(waiting);
        resolve();
      }
    });
    return found();
  }

  /** Waits for the answer to a PING: all that was sent before it has been read by then. False: none came. */
  async barrier(ms = 3000) {
    const text = `probe ${String(this.#barriers++).padStart(2, "0")}`;
    this.send(ping(text));
    const answer = ({ type, flags, payload }) =>
      type === Type.PING && (flags & Flag.ACK) !== 0 && payload.toString("latin1") === text;
    return (await this.until(() => this.frames.some(answer), ms)) === true;
  }

  /** Bytes of DATA that may be sent on a stream, 0 for the connection. */
  windowOf(id) {
    return 65_535 + (this.#granted.get(id) ?? 0) - (this.spent.get(id) ?? 0);
  }

  destroy() {
    this.#socket.destroy();
  }

  #read(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.#prefaceDue) {
      if (this.#rest.length < preface.length) return;
      this.#rest = this.#rest.subarray(preface.length);
      this.#prefaceDue = false;
    }
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) break;
      const payload = this.#rest.subarray(9, 9 + length);
      const id = this.#rest.readUInt32BE(5) & 0x7fffffff;
      this.#frame({ type: this.#rest[3], flags: this.#rest[4], id, payload });
      this.#rest = this.#rest.subarray(9 + length);
    }
    this.#look();
  }

  #frame(frame) {
    const { type, flags, id, payload } = frame;
    this.frames.push(frame);
    if (type === Type.WINDOW_UPDATE) {
      this.#granted.set(id, (this.#granted.get(id) ?? 0) + payload.readUInt32BE(0));
    }
    if (type === Type.PING && (flags & Flag.ACK) === 0) this.send(ping(payload.toString("latin1"), true));
    if (type !== Type.SETTINGS) return;
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) === 5) this.maxFrameSize = payload.readUInt32BE(at + 2);
    }
  }

  #look() {
    for (const waiting of [...this.#waiting]) waiting();
  }
}

/** True if a frame says that the other side does not like what it was sent, or answers it. */
export function isReaction({ type }) {
  return type === Type.RST_STREAM || type === Type.GOAWAY || type === Type.HEADERS;
}

/**
 * What a side did, in a few words: `ignored`, `200`, `RST CANCEL`, `GOAWAY PROTOCOL_ERROR`, `closed` (without GOAWAY),
 * `stays open` (after GOAWAY), `waits` (for what does not come). `answers`: it still answers PING.
 */
export function reactionOf(wire, answers) {
  const words = [];
  const say = (word) => words.includes(word) || words.push(word);
  for (const { type, id, payload } of wire.frames) {
    if (type === Type.HEADERS && id > 0) say(statusOf(payload));
    else if (type === Type.RST_STREAM) say(`RST ${codeName(payload.readUInt32BE(0))}`);
    else if (type === Type.GOAWAY) say(`GOAWAY ${codeName(payload.readUInt32BE(4))}`);
  }
  const goesAway = words.some((word) => word.startsWith("GOAWAY"));
  if (wire.closed && !goesAway) say("closed");
  else if (!wire.closed && !answers) say(goesAway ? "stays open" : "waits");
  return words.length === 0 ? "ignored" : words.join(" + ");
}

const indexedStatus = ["200", "204", "206", "304", "400", "404", "500"];

/** The status of a response by its first field; peers begin with it. */
function statusOf(block) {
  let at = 0;
  // table size updates
  while (block[at] >= 0x20 && block[at] < 0x40) while (block[at++] >= 0x80);
  const first = block[at] ?? 0;
  if (first >= 0x88 && first <= 0x8e) return indexedStatus[first - 0x88];
  if ((first & 0x3f) === 8 || (first & 0x0f) === 8) return readStatus(block, at + 1);
  return "HEADERS";
}

function readStatus(block, at) {
  if (block[at] < 0x80) return block.toString("latin1", at + 1, at + 1 + block[at]);
  // Huffman (RFC 7541 appendix B): 0 to 2 are the first codes of 5 bits, 3 to 9 are 0x19 to 0x1f of 6
  const bits = [...block.subarray(at + 1, at + 1 + (block[at] & 0x7f))]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
  let text = "";
  for (let i = 0; text.length < 3 && i < bits.length; ) {
    const short = Number.parseInt(bits.slice(i, i + 5), 2);
    text += short <= 2 ? short : Number.parseInt(bits.slice(i, i + 6), 2) - 0x16;
    i += short <= 2 ? 5 : 6;
  }
  return text;
}
