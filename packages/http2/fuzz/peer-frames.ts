// SPDX-License-Identifier: Apache-2.0

import { Setting } from "../src/connection/settings.js";
import { clientPreface, maxUint31 } from "../src/frame/frame-type.js";
import { HpackEncoder } from "../src/hpack/encoder.js";
import {
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
import type { Machine } from "./machine.js";

/** A stream as its peer has it. */
interface PeerStream {
  readonly id: number;
  /** The peer has sent the headers of its message. */
  answered: boolean;
  ended: boolean;
}

/** Bytes of the peer, and what they are. */
export interface PeerInput {
  readonly bytes: Uint8Array;
  readonly note: string;
}

/** The peer that breaks no rule: makes frames that are right at the moment, by what it knows of the connection. */
export class PeerFrames {
  private readonly random: Random;
  private readonly machine: Machine;
  private readonly isServer: boolean;
  private readonly wide: boolean;
  private readonly greedy: boolean;
  private readonly encoder = new HpackEncoder(4096);
  private readonly streams = new Map<number, PeerStream>();
  private nextId = 1;
  private greeted = false;
  private acknowledged = false;
  private lastGoAway = maxUint31;
  private pingsAnswered = 0;
  /** Bytes of DATA so far, by stream, 0 for the connection. */
  private readonly made = new Map<number, number>();

  /** `wide`: the peer lets the connection send as much as it likes. `greedy`: it uses its windows to their ends. */
  constructor(random: Random, machine: Machine, wide: boolean, greedy: boolean) {
    this.random = random;
    this.greedy = greedy;
    this.wide = wide;
    this.machine = machine;
    this.isServer = machine.conversation.role === "server";
  }

  /** The next bytes, or nothing when what was chosen is not possible now. */
  next(): PeerInput | undefined {
    if (!this.greeted) return this.greet();
    if (!this.acknowledged && this.random.oneIn(3)) {
      this.acknowledged = true;
      return { bytes: settingsAck, note: "SETTINGS ACK" };
    }
    this.learn();
    return this.random.pick(this.choices).call(this);
  }

  /** Ids that have been used, and one or two that have not. */
  get ids(): readonly number[] {
    return [...this.streams.keys(), this.nextId, this.nextId + 2];
  }

  private readonly choices = [
    this.opens,
    this.opens,
    this.sends,
    this.sends,
    this.sends,
    this.sends,
    this.ends,
    this.resets,
    this.grants,
    this.grants,
    this.changes,
    this.pings,
    this.answersPing,
    this.says,
    this.leaves,
  ];

  private greet(): PeerInput {
    this.greeted = true;
    const pairs = this.random.oneIn(2) ? [] : [Setting.MAX_CONCURRENT_STREAMS, this.random.int(0, 9)];
    const windows = this.wide ? [Setting.INITIAL_WINDOW_SIZE, 10_000_000] : [];
    const grant = this.wide ? windowUpdate(0, 100_000_000) : new Uint8Array(0);
    const first = join(settings(...pairs, ...windows), grant);
    return { bytes: this.isServer ? join(clientPreface, first) : first, note: "SETTINGS" };
  }

  /** The streams that the connection has opened. */
  private learn(): void {
    if (this.isServer) return;
    for (const [id, sent] of this.machine.sent.streams) {
      if (sent.headers && !this.streams.has(id)) this.streams.set(id, { id, answered: false, ended: false });
    }
  }

  private opens(): PeerInput | undefined {
    const { random } = this;
    if (!this.isServer) return this.answers();
    if (this.lastGoAway < maxUint31) return undefined;
    const open = [...this.streams.values()].filter((stream) => this.isOpen(stream));
    if (open.length >= this.machine.connection.options.maxConcurrentStreams) return undefined;
    // Ids may be left out (RFC 9113 §5.1.1).
    if (random.oneIn(20)) this.nextId += 2;
    const stream = { id: this.nextId, answered: true, ended: random.oneIn(3) };
    this.nextId += 2;
    this.streams.set(stream.id, stream);
    return this.headers(stream.id, request, stream.ended);
  }

  private answers(): PeerInput | undefined {
    const stream = this.openStream((candidate) => !candidate.answered);
    if (stream === undefined) return undefined;
    if (this.random.oneIn(6)) return this.headers(stream.id, [":status", "103"], false);
    stream.answered = true;
    stream.ended = this.random.oneIn(4);
    return this.headers(stream.id, response, stream.ended);
  }

  private sends(): PeerInput | undefined {
    const { random } = this;
    const { connection } = this.machine;
    const stream = this.openStream((candidate) => candidate.answered);
    if (stream === undefined) return undefined;
    const { id } = stream;
    const window = Math.min(this.window(0), this.window(id));
    const pad = random.oneIn(4) ? random.int(0, 255) : undefined;
    const padding = pad === undefined ? 0 : pad + 1;
    const most = Math.min(window, connection.options.maxFrameSize) - padding;
    const n = this.greedy
      ? Math.max(0, most - random.pick([0, 0, 9]))
      : random.int(0, random.pick([0, 10, 1000, 20_000, 65_535]));
    const whole = n + padding;
    if (whole > window || whole > connection.options.maxFrameSize) return undefined;
    for (const key of [0, id]) this.made.set(key, (this.made.get(key) ?? 0) + whole);
    stream.ended = random.oneIn(this.greedy ? 40 : 8);
    const shape = { end: stream.ended, ...(pad === undefined ? {} : { pad }) };
    return { bytes: data(id, n, shape), note: `DATA ${id} ${whole}${stream.ended ? " END_STREAM" : ""}` };
  }

  private ends(): PeerInput | undefined {
    const stream = this.openStream((candidate) => candidate.answered);
    if (stream === undefined) return undefined;
    stream.ended = true;
    if (this.random.oneIn(2)) return this.headers(stream.id, ["x-end", "1"], true);
    return { bytes: data(stream.id, 0, { end: true }), note: `DATA ${stream.id} END_STREAM` };
  }

  private resets(): PeerInput | undefined {
    const { random } = this;
    const stream = random.pick([...this.streams.values(), undefined]);
    if (stream === undefined || random.oneIn(2) || this.machine.view.resets.has(stream.id)) return undefined;
    stream.ended = true;
    return { bytes: rst(stream.id, random.pick([0, 2, 7, 8, 99])), note: `RST_STREAM ${stream.id}` };
  }

  private grants(): PeerInput {
    const { random } = this;
    const id = random.pick([0, ...this.streams.keys()]);
    const increment = random.int(1, random.pick([1, 100, 70_000, 1_000_000]));
    return { bytes: windowUpdate(id, increment), note: `WINDOW_UPDATE ${id} +${increment}` };
  }

  private changes(): PeerInput {
    const { random } = this;
    const [id, value] = random.pick([
      [Setting.INITIAL_WINDOW_SIZE, random.pick([0, 1, 1000, 65_535, 200_000])],
      [Setting.MAX_CONCURRENT_STREAMS, random.pick([0, 1, 3, 100])],
      [Setting.MAX_FRAME_SIZE, random.pick([16_384, 16_385, 100_000, 16_777_215])],
      [Setting.HEADER_TABLE_SIZE, random.pick([0, 40, 4096, 100_000])],
      [Setting.MAX_HEADER_LIST_SIZE, random.pick([0, 1000])],
      [0x99, 1],
    ]) as [number, number];
    if (random.oneIn(4))
      return { bytes: settings(id, value, 0x4, 100), note: `SETTINGS ${id}=${value} 4=100` };
    return { bytes: settings(id, value), note: `SETTINGS ${id}=${value}` };
  }

  private pings(): PeerInput {
    return { bytes: ping("12345678"), note: "PING" };
  }

  private answersPing(): PeerInput | undefined {
    const payload = this.machine.sent.pings[this.pingsAnswered];
    if (payload === undefined) return undefined;
    this.pingsAnswered++;
    return { bytes: ping(payload, true), note: "PING ACK" };
  }

  /** Frames that say nothing. */
  private says(): PeerInput {
    const { random } = this;
    const id = random.pick(this.ids);
    if (random.oneIn(2)) return { bytes: priority(id, 0), note: `PRIORITY ${id}` };
    return {
      bytes: frame(random.int(10, 255), random.int(0, 255), id, new Uint8Array(random.int(0, 40))),
      note: "unknown frame",
    };
  }

  private leaves(): PeerInput | undefined {
    const { random } = this;
    if (!random.oneIn(8)) return undefined;
    const seen = Math.max(0, ...(this.isServer ? [] : this.streams.keys()));
    const last = Math.min(this.lastGoAway, random.oneIn(2) ? maxUint31 : seen);
    this.lastGoAway = last;
    return { bytes: goAway(last, 0, "bye"), note: `GOAWAY ${last}` };
  }

  private headers(id: number, fields: readonly string[], end: boolean): PeerInput {
    const { random } = this;
    if (random.oneIn(20)) this.encoder.setPeerTableSize(random.pick([0, 100, 4096]));
    const extra = random.oneIn(2) ? [] : ["x-user", random.pick(["a", "b", "c".repeat(random.int(0, 400))])];
    const all = [...fields, ...extra];
    const out = new Uint8Array(this.encoder.maxLength(all));
    const block = out.slice(0, this.encoder.encode(all, out, 0));
    const note = `HEADERS ${id}${end ? " END_STREAM" : ""}`;
    const shape = { end, ...(random.oneIn(6) ? { pad: random.int(0, 30) } : {}) };
    if (!random.oneIn(8)) return { bytes: headers(id, block, shape), note };
    const cut = random.int(0, block.length);
    const first = headers(id, block.subarray(0, cut), { ...shape, endHeaders: false });
    return { bytes: join(first, continuation(id, block.subarray(cut))), note: `${note} and CONTINUATION` };
  }

  private openStream(which: (stream: PeerStream) => boolean): PeerStream | undefined {
    const all = [...this.streams.values()].filter(
      (stream) => !stream.ended && which(stream) && this.isOpen(stream),
    );
    return all.length === 0 ? undefined : this.random.pick(all);
  }

  /** The bytes that may be sent on a stream, 0 for the connection: without those on their way. */
  private window(id: number): number {
    const { view } = this.machine;
    const granted = id === 0 ? view.connectionReceiveWindow : view.receiveWindow(id);
    return granted + (view.arrived.get(id) ?? 0) - (this.made.get(id) ?? 0);
  }

  /** True if a stream is open for all that the peer knows. */
  private isOpen({ id, ended }: PeerStream): boolean {
    const sent = this.machine.sent.streams.get(id);
    if (this.machine.view.resets.has(id) || sent?.reset === true) return false;
    return !(ended && sent?.ended === true);
  }
}
