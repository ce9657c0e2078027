// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../src/connection/error-code.js";
import type { Http2Options } from "../src/connection/options.js";
import type { Stream } from "../src/streams/stream.js";
import type { StreamSink } from "../src/streams/stream-sink.js";
import { Pipe } from "./pipe.js";
import type { Random } from "./random.js";

/** The byte at a place of the body that one side of a call sends. */
const byteAt = (call: number, side: number, at: number) =>
  (call * 7 + side * 131 + at * 31 + (at >> 8)) & 255;

/** One side of a call: sends a body of known bytes as it has room, and checks what arrives byte by byte. */
export class Party implements StreamSink {
  stream!: Stream;
  /** The end that this side saw: `end`, `trailers 123`, `reset CANCEL …`. */
  outcome = "";
  /** Bytes that arrived. */
  received = 0;
  /** The length that the peer's trailers declare. */
  declared = -1;
  /** True if this side has reset the stream. */
  gaveUp = false;
  sent = 0;
  private held = 0;
  private room = true;

  readonly size: number;
  private readonly random: Random;
  private readonly call: number;
  private readonly side: number;

  constructor(random: Random, call: number, side: number, size: number) {
    this.random = random;
    this.call = call;
    this.side = side;
    this.size = size;
  }

  headers(_list: unknown, end: boolean): void {
    if (end) this.finish("headers");
  }

  data(b: Uint8Array, start: number, end: number): void {
    if (this.outcome !== "" || this.gaveUp) throw new Error("data after the end");
    for (let i = start; i < end; i++, this.received++) {
      if (b[i] !== byteAt(this.call, 1 - this.side, this.received))
        throw new Error(`call ${this.call}: byte ${this.received} is wrong`);
    }
    this.held += end - start;
    if (this.random.oneIn(2)) this.take();
  }

  trailers(list: { get(name: string): string | undefined }): void {
    this.declared = Number(list.get("x-length"));
    this.finish("trailers");
  }

  end(): void {
    this.finish("end");
  }

  reset(): void {
    if (this.gaveUp) throw new Error("reset of a stream that was reset here");
    // A stream that had ended well may be reset afterwards.
    if (this.outcome === "" || this.outcome === "reset") this.finish("reset");
    this.room = false;
  }

  writable(): void {
    if (this.room) throw new Error("writable, though no send had returned false");
    this.room = true;
  }

  /** Gives back what was received and not taken. */
  take(): void {
    const n = this.random.oneIn(3) ? this.random.int(0, this.held) : this.held;
    this.held -= n;
    this.stream.credit(n);
  }

  /** Gives back all. */
  takeAll(): void {
    this.stream.credit(this.held);
    this.held = 0;
  }

  /** Does something that the application might do. Returns false when nothing is left to do. */
  act(resets: boolean): boolean {
    const { random } = this;
    if (this.held > 0 && random.oneIn(2)) this.take();
    if (this.stream.closed || this.gaveUp || this.stream.localEnded) return false;
    if (resets && random.oneIn(150)) {
      this.gaveUp = true;
      this.stream.reset(ErrorCode.CANCEL);
      return true;
    }
    if (random.oneIn(40)) this.stream.messageNeeds(random.int(1, 200_000));
    if (this.sent === this.size) {
      if (this.side === 1) this.stream.sendTrailers(["x-length", String(this.size)]);
      else this.stream.sendEnd();
    } else if (this.room)
      this.send(Math.min(this.size - this.sent, random.int(1, random.pick([9, 500, 9000, 100_000]))));
    return true;
  }

  /** True if everything that the peer sent is here. */
  complete(expected: number): boolean {
    return this.outcome !== "" && this.outcome !== "reset" && this.received === expected;
  }

  private send(n: number): void {
    const { stream } = this;
    const last = this.sent + n === this.size && this.side === 0 && this.random.oneIn(2);
    const at = this.random.oneIn(2) ? stream.reserve(n) : -1;
    const out = at >= 0 ? stream.buffer : new Uint8Array(n);
    const from = Math.max(at, 0);
    for (let i = 0; i < n; i++) out[from + i] = byteAt(this.call, this.side, this.sent + i);
    this.sent += n;
    this.room = at >= 0 ? stream.commit(n, last) : stream.write(out, last);
  }

  private finish(outcome: string): void {
    if (this.outcome !== "") throw new Error(`${outcome} after ${this.outcome}`);
    this.outcome = outcome;
  }
}

/** The result of {@link runTraffic}. */
export interface Traffic {
  readonly pipe: Pipe;
  readonly callers: readonly Party[];
  /** The server's side of a call, by the number of the call; a call that never arrived has none. */
  readonly answerers: ReadonlyMap<number, Party>;
}

/** Many calls at once over a {@link Pipe}, of random sizes, in random order; with `resets`, some are given up. */
export function runTraffic(
  random: Random,
  calls: number,
  resets: boolean,
  options: Http2Options,
  sizes: readonly number[] = [0, 10, 5000, 300_000],
): Traffic {
  const answerers = new Map<number, Party>();
  const parties: Party[] = [];
  const callers: Party[] = [];
  const size = () => random.int(0, random.pick(sizes));
  const pipe = new Pipe(
    random,
    { client: options, server: { ...options, maxConcurrentStreams: random.pick([3, 20, 1024]) } },
    {
      server: {
        stream: (stream, list, end) => {
          const call = Number(list.get("x-call"));
          const party = new Party(random, call, 1, size());
          party.stream = stream;
          stream.sink = party;
          if (end) party.end();
          stream.sendHeaders([":status", "200", "x-call", String(call)], false);
          answerers.set(call, party);
          parties.push(party);
        },
      },
    },
  );
  for (let left = 300_000; left > 0; left--) {
    if (callers.length < calls && random.oneIn(20)) {
      const call = callers.length;
      const party = new Party(random, call, 0, size());
      const headers = [":method", "POST", ":scheme", "http", ":path", "/s/m", "x-call", String(call)];
      party.stream = pipe.client.connection.open(party, headers, false);
      callers.push(party);
      parties.push(party);
    }
    pipe.step();
    if (parties.length > 0) random.pick(parties).act(resets);
    if (callers.length === calls && left % 100 === 0 && pipe.client.connection.activeStreams === 0) break;
  }
  for (let idle = 0, rounds = 0; idle < 5; idle++, rounds++) {
    if (rounds > 10_000) throw new Error("a call hangs");
    for (const party of parties) {
      party.takeAll();
      if (party.act(false)) idle = 0;
    }
    pipe.quiesce();
  }
  return { pipe, callers, answerers };
}
