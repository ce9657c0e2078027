// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../src/connection/error-code.js";
import { clientPreface, Flag, FrameType, maxUint31, readUint32 } from "../src/frame/frame-type.js";
import { HpackDecoder } from "../src/hpack/decoder.js";
import { describeFrame, join, type ParsedFrame, parseFrames } from "../tests/frames.js";
import type { Role } from "../tests/subject.js";
import type { PeerView } from "./peer-view.js";
import { must } from "./step.js";

/** The state of a stream, as far as the sent frames show it. */
interface SentStream {
  headers: boolean;
  ended: boolean;
  reset: boolean;
}

/** Codes that no application of the fuzzer uses. */
const complaining: ReadonlySet<number> = new Set([
  ErrorCode.PROTOCOL_ERROR,
  ErrorCode.FLOW_CONTROL_ERROR,
  ErrorCode.STREAM_CLOSED,
  ErrorCode.FRAME_SIZE_ERROR,
  ErrorCode.ENHANCE_YOUR_CALM,
]);

/** Reads all that a connection sends, and holds it to what RFC 9113 asks of a sender. */
export class SentFrames {
  /** GOAWAY with an error was sent: nothing follows. */
  over = false;
  readonly streams = new Map<number, SentStream>();
  /** Payloads of PINGs that wait for an answer. */
  readonly pings: Uint8Array[] = [];
  pingAnswers = 0;
  settingsAnswers = 0;
  /** Frames that say that the peer broke a rule. */
  readonly complaints: string[] = [];
  /** Streams that are reset since a large message on them stopped: that breaks no rule. */
  readonly stopped = new Set<number>();
  private readonly role: Role;
  private readonly view: PeerView;
  private readonly decoder = new HpackDecoder({ maxListSize: 2 ** 24, maxFields: 10_000 });
  private prefaceDue: boolean;
  private settingsDue = true;
  private lastGoAway = maxUint31;
  private highestId = 0;
  /** The header block that is under way, and its stream. */
  private block: Uint8Array[] = [];
  private blockOf = 0;

  constructor(role: Role, view: PeerView) {
    this.role = role;
    this.view = view;
    this.prefaceDue = role === "client";
  }

  /** Takes what was sent since the last time. */
  take(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.prefaceDue) {
      const first = bytes.subarray(0, clientPreface.length);
      must(String(first) === String(clientPreface), "a client does not begin with its preface");
      this.prefaceDue = false;
    }
    for (const frame of parseFrames(bytes)) this.frame(frame);
  }

  private frame(frame: ParsedFrame): void {
    const { type, flags, id, payload } = frame;
    const what = describeFrame(frame);
    must(!this.over, `${what} after GOAWAY with an error`);
    must(!this.settingsDue || type === FrameType.SETTINGS, `${what} before SETTINGS`);
    this.settingsDue = false;
    must(
      this.blockOf === 0 || (type === FrameType.CONTINUATION && id === this.blockOf),
      `${what} in a header block`,
    );
    must(
      payload.length <= this.view.largestFrame,
      `${what} of ${payload.length} bytes: ${this.view.largestFrame} are allowed`,
    );
    switch (type) {
      case FrameType.DATA:
        this.data(what, id, payload.length, (flags & Flag.END_STREAM) !== 0);
        return;
      case FrameType.HEADERS:
      case FrameType.CONTINUATION:
        this.headers(what, frame);
        return;
      case FrameType.RST_STREAM:
        this.reset(what, id, readUint32(payload, 0));
        return;
      case FrameType.SETTINGS:
        if ((flags & Flag.ACK) !== 0) this.settingsAnswers++;
        return;
      case FrameType.PING:
        if ((flags & Flag.ACK) !== 0) this.pingAnswers++;
        else this.pings.push(payload);
        return;
      case FrameType.GOAWAY:
        this.goAway(what, readUint32(payload, 0), readUint32(payload, 4));
        return;
      case FrameType.WINDOW_UPDATE:
        this.windowUpdate(what, id, readUint32(payload, 0));
        return;
      default:
        must(false, `${what}, which nobody sends`);
    }
  }

  private data(what: string, id: number, length: number, end: boolean): void {
    const stream = this.onStream(what, id, false);
    must(stream.headers, `${what} before HEADERS`);
    must(!stream.ended, `${what} after END_STREAM`);
    stream.ended = end;
    this.view.dataSent(what, id, length);
  }

  private headers(what: string, { type, flags, id, payload }: ParsedFrame): void {
    if (type === FrameType.HEADERS) {
      const stream = this.onStream(what, id, true);
      must(!stream.ended, `${what} after END_STREAM`);
      if (!stream.headers && this.role === "client") {
        must(id > this.highestId && id % 2 === 1, `${what} after stream ${this.highestId}`);
        this.highestId = id;
        this.view.opened(id);
      }
      stream.headers = true;
      stream.ended = (flags & Flag.END_STREAM) !== 0;
    }
    this.block.push(payload);
    this.blockOf = (flags & Flag.END_HEADERS) !== 0 ? 0 : id;
    if (this.blockOf !== 0) return;
    const block = join(...this.block);
    this.block = [];
    // Throws when it can't be decoded.
    this.decoder.decode(block, 0, block.length);
  }

  private reset(what: string, id: number, code: number): void {
    this.onStream(what, id, false).reset = true;
    if (complaining.has(code) && !this.stopped.has(id)) this.complaints.push(what);
  }

  private goAway(what: string, last: number, code: number): void {
    must(last <= this.lastGoAway, `${what} with last id ${last} after ${this.lastGoAway}`);
    this.lastGoAway = last;
    this.over = code !== ErrorCode.NO_ERROR;
    if (this.over) this.complaints.push(what);
  }

  private windowUpdate(what: string, id: number, increment: number): void {
    must(increment > 0 && increment <= maxUint31, `${what}, which is not an increment`);
    if (id !== 0) this.onStream(what, id, false);
    this.view.granted(what, id, increment);
  }

  /** A stream on which something may be sent. */
  private onStream(what: string, id: number, opens: boolean): SentStream {
    const known = this.streams.get(id);
    if (known !== undefined) {
      must(!known.reset, `${what} after RST_STREAM`);
      return known;
    }
    const exists = this.role === "client" ? opens : this.view.wasOpened(id);
    must(exists && id % 2 === 1, `${what} on an idle stream`);
    const stream = { headers: false, ended: false, reset: false };
    this.streams.set(id, stream);
    return stream;
  }
}
