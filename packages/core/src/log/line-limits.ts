// SPDX-License-Identifier: Apache-2.0
import type { Clock } from "../runtime/clock.js";
import { TokenBucket } from "./token-bucket.js";

/** Lines of one kind and peer that are written at once, and the further ones of each second. */
const ofPeer = { burst: 20, perSecond: 1 };
/** Lines of one kind, of all peers together. */
const ofKind = { burst: 200, perSecond: 10 };
/** Pairs of kind and peer that have a bucket of their own. Further peers share one bucket for each kind. */
const mostBuckets = 1000;
/** Time after which the lines that were left out are counted in the log, at the latest. */
const reportMs = 10_000;

/** Lines that were left out. */
export interface LeftOut {
  /** The kind of line: a noun in the plural. */
  readonly kind: string;
  readonly lines: number;
  /** The peer that caused them, or how many. */
  readonly peers: string;
}

/** Writes into the log that lines were left out, at the level of these lines. */
export type ReportLeftOut<Level> = (level: Level, left: LeftOut) => void;

/**
 * Decides which lines a log has room for: a token bucket for each kind of line and peer, and one for each kind. Lines past it are
 * counted, and the count is reported before the next line of their bucket, or after 10 s.
 *
 * Nothing is kept for each peer without end: a bucket that is full again gives its place to another peer.
 */
export class LineLimits<Level> {
  private readonly clock: Clock;
  private readonly report: ReportLeftOut<Level>;
  private readonly kinds = new Map<string, Kind<Level>>();
  /** The buckets by kind and peer; the last one in the map was used last. */
  private readonly buckets = new Map<string, PeerBucket<Level>>();
  private readonly omitting = new Set<PeerBucket<Level>>();
  private cancelTimer: (() => void) | null = null;

  constructor(clock: Clock, report: ReportLeftOut<Level>) {
    this.clock = clock;
    this.report = report;
  }

  /** True if a line may be written now. Kinds are few: they are names of the program's own, and no peer chooses them. */
  admit(level: Level, kind: string, peer: string): boolean {
    const now = this.clock.now();
    let of = this.kinds.get(kind);
    if (of === undefined) {
      of = {
        level,
        name: kind,
        bucket: new TokenBucket(ofKind, now),
        others: new PeerBucket(kind, level, "further peers", now),
      };
      this.kinds.set(kind, of);
    }
    const bucket = this.bucketOf(of, peerName(peer), now);
    if (bucket.take(now) && of.bucket.take(now)) {
      if (bucket.omitted > 0) this.reportBucket(bucket);
      return true;
    }
    bucket.omitted++;
    this.omitting.add(bucket);
    this.cancelTimer ??= this.clock.after(reportMs, () => this.flush(), { background: true });
    return false;
  }

  /** Pairs of kind and peer that are kept. */
  get peers(): number {
    return this.buckets.size;
  }

  /** Reports all lines that were left out, now. */
  flush(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    const byKind = new Map<string, PeerBucket<Level>[]>();
    for (const bucket of this.omitting) {
      const same = byKind.get(bucket.kind);
      if (same === undefined) byKind.set(bucket.kind, [bucket]);
      else same.push(bucket);
    }
    this.omitting.clear();
    for (const [kind, buckets] of byKind) {
      let lines = 0;
      for (const bucket of buckets) {
        lines += bucket.omitted;
        bucket.omitted = 0;
      }
      const [first] = buckets;
      const peers = buckets.length === 1 ? first!.peer : `${buckets.length} peers`;
      this.report(first!.level, { kind, lines, peers });
    }
  }

  private bucketOf(of: Kind<Level>, peer: string, now: number): PeerBucket<Level> {
    const key = `${of.name}\0${peer}`;
    let bucket = this.buckets.get(key);
    if (bucket !== undefined) this.buckets.delete(key);
    else if (this.buckets.size >= mostBuckets && !this.dropOldest(now)) return of.others;
    bucket ??= new PeerBucket(of.name, of.level, peer, now);
    this.buckets.set(key, bucket);
    return bucket;
  }

  /** Drops the bucket that was used longest ago, if it is as full as a new one and has nothing to report. */
  private dropOldest(now: number): boolean {
    for (const [key, bucket] of this.buckets) {
      if (bucket.omitted > 0 || !bucket.full(now)) return false;
      this.buckets.delete(key);
      return true;
    }
    return true;
  }

  private reportBucket(bucket: PeerBucket<Level>): void {
    this.omitting.delete(bucket);
    const lines = bucket.omitted;
    bucket.omitted = 0;
    this.report(bucket.level, { kind: bucket.kind, lines, peers: bucket.peer });
  }
}

interface Kind<Level> {
  readonly level: Level;
  readonly name: string;
  readonly bucket: TokenBucket;
  /** The peers that have no bucket of their own. */
  readonly others: PeerBucket<Level>;
}

class PeerBucket<Level> extends TokenBucket {
  readonly kind: string;
  readonly level: Level;
  readonly peer: string;
  omitted = 0;

  constructor(kind: string, level: Level, peer: string, now: number) {
    super(ofPeer, now);
    this.kind = kind;
    this.level = level;
    this.peer = peer;
  }
}

/** An address without its port: a peer can connect anew for each line. Of IPv6 the network, since a peer has all of its addresses. */
export function peerName(address: string): string {
  if (address.startsWith("unix:")) return address;
  const [, v6, other] = /^(?:\[(.*)\]|(.*)):\d+$/.exec(address) ?? [];
  if (v6 === undefined) return other ?? address;
  if (v6 === "::1") return "[::1]";
  const [left = "", right] = v6.split("::");
  const groups = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  while (groups.length + tail.length < 8) groups.push("0");
  return `[${[...groups, ...tail].slice(0, 4).join(":")}::/64]`;
}

/** The line that reports what was left out. */
export function leftOutText({ kind, lines, peers }: LeftOut): string {
  return `${lines} more like this left out: ${kind} (${peers})`;
}
