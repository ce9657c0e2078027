// SPDX-License-Identifier: Apache-2.0
import { Flag, FrameType, maxUint31 } from "../src/frame/frame-type.js";
import {
  block,
  bytes,
  continuation,
  data,
  frame,
  goAway,
  headers,
  join,
  ping,
  priority,
  request,
  response,
  rst,
  settings,
  settingsAck,
  windowUpdate,
} from "../tests/frames.js";
import type { Random } from "../tests/random.js";
import type { PeerInput } from "./peer-frames.js";

const codes = [0, 1, 5, 7, 8, 11, 0xffffffff];
const windows = [0, 1, 65_535, maxUint31, 2 ** 31];

/** Frames that may be wrong: in their order, their lengths, flags and ids, in what they mean, or altogether. */
export class LawlessFrames {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** A frame for one of the ids, or bytes that are none. */
  next(ids: readonly number[]): PeerInput {
    const { random } = this;
    const id = random.oneIn(8) ? random.pick([0, 2, 4, maxUint31]) : random.pick(ids);
    const choice = random.pick(this.choices);
    return { bytes: choice.call(this, id), note: `lawless: ${choice.name} ${id}` };
  }

  /** Bytes with some of their bytes changed, left out, or twice there. */
  mutate({ bytes, note }: PeerInput): PeerInput {
    const { random } = this;
    let changed: Uint8Array = bytes.slice();
    const at = random.int(0, Math.max(0, changed.length - 1));
    switch (random.int(0, 4)) {
      case 0:
        // The header of the frame, most of the time.
        changed[random.oneIn(3) ? at : random.int(0, 8)] = random.int(0, 255);
        break;
      case 1:
        changed = join(changed.subarray(0, at), changed.subarray(at + random.int(1, 9)));
        break;
      case 2:
        changed = join(changed, changed);
        break;
      case 3:
        changed = join(changed.subarray(0, at), this.garbage(random.int(1, 20)), changed.subarray(at));
        break;
      default:
        changed = changed.subarray(0, at);
    }
    return { bytes: changed, note: `mutated: ${note}` };
  }

  private readonly choices = [
    this.anyFrame,
    this.wrongLength,
    this.badBlock,
    this.malformedList,
    this.largeList,
    this.headersAgain,
    this.dataAnyway,
    this.window,
    this.badSettings,
    this.reset,
    this.goAway,
    this.lonelyContinuation,
    this.endlessBlock,
    this.dependsOnItself,
    this.acknowledges,
    this.noFrames,
    this.flood,
  ];

  private anyFrame(id: number): Uint8Array {
    const { random } = this;
    const type = random.oneIn(4) ? random.int(0, 255) : random.int(0, 9);
    return frame(type, random.int(0, 255), id, this.garbage(random.int(0, 40)));
  }

  private wrongLength(id: number): Uint8Array {
    const { random } = this;
    const type = random.int(0, 9);
    const length = random.pick([0, 1, 3, 4, 5, 7, 8, 9, 65_536, 0xffffff]);
    return frame(type, random.pick([0, 1, 4, 5, 8, 0x20]), id, new Uint8Array(Math.min(length, 100)), length);
  }

  private badBlock(id: number): Uint8Array {
    const { random } = this;
    const good = random.oneIn(2) ? block(request) : new Uint8Array(0);
    return headers(id, join(good, this.garbage(random.int(1, 30))), { end: random.oneIn(2) });
  }

  private malformedList(id: number): Uint8Array {
    const { random } = this;
    const wrong = random.pick([
      [...request, "Upper", "x"],
      [...request, "connection", "x"],
      [...request, "te", "gzip"],
      [...request, "x", "\0"],
      ["x", "y", ...request],
      [...request, "content-length", random.pick(["5", "0", "x"])],
      [":status", random.pick(["101", "99", "abc", "204", "103"])],
      [...response, "content-length", "3"],
      [],
    ]);
    return headers(id, wrong, { end: random.oneIn(2) });
  }

  private largeList(id: number): Uint8Array {
    const { random } = this;
    const base = random.oneIn(2) ? request : response;
    const many = Array.from({ length: random.int(1, 300) }, () => ["a", "b"]).flat();
    const large = ["x", "v".repeat(random.pick([500, 5000, 16_000]))];
    return headers(id, [...base, ...(random.oneIn(2) ? many : large)], { end: random.oneIn(2) });
  }

  private headersAgain(id: number): Uint8Array {
    const { random } = this;
    return headers(id, random.pick([request, response, ["x", "y"]]), { end: random.oneIn(2) });
  }

  private dataAnyway(id: number): Uint8Array {
    const { random } = this;
    const shape = { end: random.oneIn(4), ...(random.oneIn(3) ? { pad: random.int(0, 255) } : {}) };
    return data(id, random.pick([0, 1, 1000, 16_384, 65_000]), shape);
  }

  private window(id: number): Uint8Array {
    return windowUpdate(this.random.oneIn(3) ? 0 : id, this.random.pick(windows));
  }

  private badSettings(_id: number): Uint8Array {
    const { random } = this;
    const pairs = Array.from({ length: random.pick([1, 2, 33]) }, () => [
      random.int(0, 9),
      random.pick([...windows, 16_383, 16_384, 2 ** 24, 0xffffffff]),
    ]);
    return settings(...pairs.flat());
  }

  private reset(id: number): Uint8Array {
    return rst(id, this.random.pick(codes));
  }

  private goAway(_id: number): Uint8Array {
    return goAway(this.random.pick([0, 1, 2, 3, 5, 99, maxUint31]), this.random.pick(codes), "why");
  }

  private lonelyContinuation(id: number): Uint8Array {
    return continuation(id, block(request), this.random.oneIn(2));
  }

  private endlessBlock(id: number): Uint8Array {
    const { random } = this;
    const part = random.oneIn(2) ? new Uint8Array(0) : block(["x", "y".repeat(random.int(0, 3000))]);
    const parts = Array.from({ length: random.int(1, 12) }, () => continuation(id, part, false));
    return join(
      headers(id, request, { endHeaders: false }),
      ...parts,
      continuation(id, part, random.oneIn(2)),
    );
  }

  private dependsOnItself(id: number): Uint8Array {
    return this.random.oneIn(2) ? priority(id, id) : headers(id, request, { dependsOn: id });
  }

  private acknowledges(_id: number): Uint8Array {
    return this.random.oneIn(2) ? settingsAck : ping("87654321", true);
  }

  private noFrames(_id: number): Uint8Array {
    const { random } = this;
    return random.oneIn(2) ? bytes("GET / HTTP/1.1\r\nhost: a\r\n\r\n") : this.garbage(random.int(1, 60));
  }

  private flood(id: number): Uint8Array {
    const { random } = this;
    const one = random.pick([
      ping("12345678"),
      settings(),
      windowUpdate(0, 1),
      data(id, 0),
      frame(0xfa, 0, id),
      frame(FrameType.PRIORITY, 0, id, Uint8Array.of(0, 0, 0, 0, 1)),
      join(headers(id, request, { end: true }), rst(id, 8)),
      frame(FrameType.HEADERS, Flag.END_HEADERS, id),
    ]);
    return join(...Array.from({ length: random.int(2, 150) }, () => one));
  }

  private garbage(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.random.int(0, 255));
  }
}
