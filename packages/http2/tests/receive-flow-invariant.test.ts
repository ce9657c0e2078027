// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import { Setting } from "../src/connection/settings.js";
import { FrameType, maxUint31, readUint32 } from "../src/frame/frame-type.js";
import { data, goAway, headers, ping, request, response, rst, settings, windowUpdate } from "./frames.js";
import { Random, seeds } from "./random.js";
import { play, type Role, Subject } from "./subject.js";

/** Both ends of the windows in both directions, while everything happens at random. */
class Chaos {
  readonly subject: Subject;
  private readonly random: Random;
  private initialWindow = 65_535;
  private connectionSend = 65_535;
  private readonly streamSend = new Map<number, number>();
  private readonly ended = new Set<number>();
  private readonly dead = new Set<number>();
  private lastId = -1;

  constructor(role: Role, seed: number) {
    this.random = new Random(seed);
    const options = { maxConcurrentStreams: 6, connectionWindow: 200_000, maxBufferedBytes: 250_000 };
    this.subject = new Subject(role, options).greet(Setting.MAX_CONCURRENT_STREAMS, 6);
    this.subject.crediting = false;
  }

  step(): void {
    const { random, subject } = this;
    const id = random.pick([...subject.streams.keys(), 0]);
    const action = random.pick(id === 0 ? [this.opens] : this.actions);
    action.call(this, id);
    subject.quiesce();
    this.watchOutput();
    expect(subject.imbalance()).toEqual([]);
  }

  /** The application gives everything back; then no byte may be missing. */
  end(): void {
    for (const id of this.subject.held.keys()) this.credits(id, Number.POSITIVE_INFINITY);
    this.subject.quiesce();
    expect(this.subject.imbalance()).toEqual([]);
    expect(this.subject.connection.flow.held).toBe(0);
    expect(this.subject.peerWindow(0)).toBeGreaterThan(150_000);
    expect(this.subject.alive).toBe(true);
  }

  private readonly actions = [
    this.opens,
    this.peerSends,
    this.peerSends,
    this.peerSends,
    this.peerEnds,
    this.peerResets,
    this.peerBreaksRules,
    this.peerGrants,
    this.peerGrants,
    this.peerChangesWindow,
    this.credits,
    this.credits,
    this.credits,
    this.expects,
    this.writes,
    this.writes,
    this.ends,
    this.resets,
    this.closes,
  ];

  private opens(): void {
    const { subject } = this;
    if (subject.role === "client") {
      const stream = subject.open();
      if (stream.id === 0) stream.reset(ErrorCode.CANCEL);
      else subject.receive(headers(stream.id, response));
      return;
    }
    this.lastId += 2;
    const id = this.lastId;
    play(subject, [headers(id, request)]);
    // A refused stream: bytes on their way count all the same.
    if (!subject.streams.has(id))
      play(subject, [data(id, this.random.int(0, Math.min(5000, subject.peerWindow(0))))]);
    else subject.stream(id).sendHeaders(response, false);
  }

  private peerSends(id: number): void {
    const { random, subject } = this;
    if (this.ended.has(id) || this.dead.has(id)) return;
    const window = Math.min(subject.peerWindow(0), subject.peerWindow(id), 65_000);
    const n = random.int(0, random.pick([10, 5000, 65_000]));
    if (n + 256 > window) return;
    const shape = random.oneIn(3) ? { pad: random.int(0, 255) } : {};
    play(subject, [data(id, n, shape)], random.pick([997, 100_000]));
  }

  private peerEnds(id: number): void {
    if (this.ended.has(id) || this.dead.has(id) || this.random.oneIn(2)) return;
    this.ended.add(id);
    const trailers = headers(id, ["x", "y"], { end: true });
    play(this.subject, [this.random.oneIn(2) ? trailers : data(id, 0, { end: true })]);
  }

  private peerResets(id: number): void {
    if (this.random.oneIn(2)) return;
    this.dead.add(id);
    play(this.subject, [rst(id, ErrorCode.CANCEL)]);
  }

  private peerBreaksRules(id: number): void {
    if (this.ended.has(id) || this.dead.has(id) || this.random.oneIn(2)) return;
    this.ended.add(id);
    play(this.subject, [headers(id, ["x", "y"])]);
  }

  private peerGrants(id: number): void {
    const n = this.random.int(1, 30_000);
    play(this.subject, [windowUpdate(0, n), windowUpdate(id, n)]);
    this.connectionSend += n;
    this.streamSend.set(id, this.sendWindow(id) + n);
  }

  private peerChangesWindow(): void {
    const size = this.random.pick([0, 100, 65_535, 100_000]);
    play(this.subject, [settings(Setting.INITIAL_WINDOW_SIZE, size)]);
    for (const [id, window] of this.streamSend) this.streamSend.set(id, window + size - this.initialWindow);
    this.initialWindow = size;
  }

  private credits(id: number, most = this.random.int(0, 60_000)): void {
    const held = this.subject.held.get(id) ?? 0;
    const n = Math.min(held, most);
    this.subject.held.set(id, held - n);
    this.subject.stream(id).credit(n);
  }

  private expects(id: number): void {
    this.subject.stream(id).messageNeeds(this.random.int(1, 150_000));
  }

  private writes(id: number): void {
    const stream = this.subject.stream(id);
    const n = this.random.int(0, 40_000);
    if (stream.reserve(n) >= 0) stream.commit(n, false);
    else stream.write(new Uint8Array(n), this.random.oneIn(9));
  }

  private ends(id: number): void {
    if (this.random.oneIn(2)) this.subject.stream(id).sendTrailers(["x", "y"]);
    else this.subject.stream(id).sendEnd();
  }

  private resets(id: number): void {
    if (this.random.oneIn(2)) this.subject.stream(id).reset(ErrorCode.CANCEL);
  }

  private closes(id: number): void {
    if (this.random.oneIn(3)) this.subject.stream(id).close();
  }

  private sendWindow(id: number): number {
    return this.streamSend.get(id) ?? this.initialWindow;
  }

  /** Counts what was sent against the windows that the peer has granted. */
  private watchOutput(): void {
    const { subject } = this;
    for (const { type, id, payload } of subject.frames()) {
      if (type === FrameType.GOAWAY) throw new Error(`GOAWAY ${readUint32(payload, 4)}`);
      if (type !== FrameType.DATA || payload.length === 0) continue;
      this.connectionSend -= payload.length;
      this.streamSend.set(id, this.sendWindow(id) - payload.length);
      expect(this.connectionSend).toBeGreaterThanOrEqual(0);
      expect(this.sendWindow(id)).toBeGreaterThanOrEqual(0);
    }
    expect(subject.connection.streams.sendWindow.left).toBe(this.connectionSend);
    for (const [id, stream] of subject.streams) {
      if (stream.closed) continue;
      expect([id, stream.send.window]).toEqual([id, this.sendWindow(id)]);
      // A stream whose windows are open has nothing left to wait for.
      const open = Math.min(stream.send.window, this.connectionSend) > 0;
      expect([id, open && stream.queuedBytes > 0]).toEqual([id, false]);
    }
  }
}

describe.each<Role>(["server", "client"])("the windows of a %s", (role) => {
  it.each(seeds(15))("lose and make no byte of credit, whatever happens, seed %i", (seed) => {
    const chaos = new Chaos(role, seed);
    for (let i = 0; i < 250; i++) chaos.step();
    chaos.end();
  });
});

describe("the windows of a server that drains", () => {
  it("count what is discarded above the last id of GOAWAY", () => {
    const subject = new Subject("server").greet();
    play(subject, [headers(1, request)]);
    subject.connection.shutdown();
    play(subject, [goAway(maxUint31, 0), ping("drain\0\0\u0001", true)]);
    for (let id = 3; id < 400; id += 2) play(subject, [headers(id, request), data(id, 60_000, { pad: 9 })]);
    expect(subject.imbalance()).toEqual([]);
    expect(subject.connection.flow.held).toBe(0);
    expect(subject.peerWindow(0)).toBeGreaterThan(3_000_000);
  });
});
