// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";
import type { RateLimit, ResolvedHttp2Options } from "../connection/options.js";

/** A connection's counts of its peer's actions, since the connection began. */
export interface ConnectionCounters {
  /** RST_STREAM of the peer for streams of which it can't have seen an answer. */
  resetsReceived: number;
  /** RST_STREAM of the peer behind an answer whose end it had not read. */
  answersUnseen: number;
  /** Calls whose deadline passed: the peer reset them near it, or the server ended them. */
  deadlines: number;
  /** RST_STREAM that the peer's own mistakes made this side send. */
  resetsProvoked: number;
  /** CONTINUATION frames. */
  continuations: number;
  /** Frames without effect: empty DATA without END_STREAM, PRIORITY, GOAWAY, unknown types, frames that no closed stream explains. */
  emptyFrames: number;
  /** SETTINGS frames, without acknowledgements. */
  settings: number;
  /** PING frames, without acknowledgements. */
  pings: number;
  /** WINDOW_UPDATE frames. */
  windowUpdates: number;
  /** Calls that were refused, since too many bytes wait to be sent (`maxQueuedBytes`). */
  callsRefused: number;
  /** Messages that were not queued, since too many bytes wait to be sent (`maxQueuedBytes`). */
  messagesRefused: number;
  /** Streams that were reset, since the peer took nothing of what they have queued (`stalledStreamTimeoutMs`). */
  streamsStalled: number;
}

/** Options that are rates, by the name they have there. */
type RateName =
  | "resetRate"
  | "deadlineRate"
  | "emptyFrameRate"
  | "settingsRate"
  | "pingRate"
  | "windowUpdateRate";

/** DATA bytes that pay for one WINDOW_UPDATE: a peer may credit as often as once a KiB. */
const bytesPerUpdate = 1024;

/** WINDOW_UPDATE frames that a DATA frame pays for: HAProxy credits each frame on the stream and on the connection, however small. */
const updatesPerFrame = 2;

/** DATA bytes that pay for one empty DATA frame. A header block pays for one, too: node:http2 ends padded streams with one. */
export const bytesPerEmptyData = 1024;

/** Bytes of an answer that was made for nothing which count as much as one reset more. */
const unsentPerReset = 65_536;

/** DATA bytes that pay for {@link unsentPerReset} bytes which were made for nothing: a first window pays for a message of 1 MiB. */
const sentPerUnseen = 4096;

/**
 * Limits the work that a peer may cause for nothing. Each kind of frame that costs more to answer than to send has a bucket;
 * an empty one ends the connection (ENHANCE_YOUR_CALM) with an error that names the option. Honest use pays for itself:
 * PING and WINDOW_UPDATE are free as long as this side sends something between them.
 */
export class Limits {
  readonly counters: ConnectionCounters = {
    resetsReceived: 0,
    answersUnseen: 0,
    deadlines: 0,
    resetsProvoked: 0,
    continuations: 0,
    emptyFrames: 0,
    settings: 0,
    pings: 0,
    windowUpdates: 0,
    callsRefused: 0,
    messagesRefused: 0,
    streamsStalled: 0,
  };
  private readonly now: () => number;
  private readonly resets: Bucket;
  private readonly deadlines: Bucket;
  private readonly empty: Bucket;
  private readonly settingsFrames: Bucket;
  private readonly pingFrames: Bucket;
  private readonly updates: Bucket;
  private sentAtLastPing = -1;
  private endsAtLastPing = 0;
  private endsAtPingBefore = 0;
  private updatesPaidFor = 0;
  private emptyDataPaidFor = 0;
  private lateResetsPaidFor = 0;
  private unseenPaidFor = 0;

  constructor(options: ResolvedHttp2Options, now: () => number) {
    this.now = now;
    this.resets = new Bucket("resetRate", options.resetRate);
    this.deadlines = new Bucket("deadlineRate", options.deadlineRate);
    this.empty = new Bucket("emptyFrameRate", options.emptyFrameRate);
    this.settingsFrames = new Bucket("settingsRate", options.settingsRate);
    this.pingFrames = new Bucket("pingRate", options.pingRate);
    this.updates = new Bucket("windowUpdateRate", options.windowUpdateRate);
  }

  /**
   * The peer reset a stream of which it can't have seen an answer (CVE-2023-44487). `unsent`: bytes of the answer that this side
   * made, and that are dropped.
   */
  resetReceived(unsent: number): void {
    this.counters.resetsReceived++;
    this.resets.take(this.now(), "RST_STREAM before an answer", 1 + Math.floor(unsent / unsentPerReset));
  }

  /**
   * The peer reset a stream behind an answer whose end it had not read. `unsent`: bytes of the answer that are dropped, 0 if all had left;
   * `sent`: DATA bytes that this side has sent. `whole`: the answer's end was made. Clients that cancel many calls at once do this, so it
   * counts a quarter of a rapid reset. A peer that reads pays for large answers that it leaves.
   */
  answerUnseen(unsent: number, sent: number, whole: boolean): void {
    this.counters.answersUnseen++;
    const waste = Math.floor(unsent / unsentPerReset);
    const paid = Math.min(waste, Math.floor(sent / sentPerUnseen) - this.unseenPaidFor);
    this.unseenPaidFor += paid;
    const count = Math.max(whole ? 1 : 0, waste - paid);
    if (count > 0) this.resets.take(this.now(), "RST_STREAM behind answers that it did not read", count / 4);
  }

  /** The deadline of a call has passed: the peer reset it near that time, or the server ends it. */
  deadlinePassed(): void {
    this.counters.deadlines++;
    this.deadlines.take(this.now(), "calls whose deadline passed");
  }

  /** The peer made this side reset a stream (CVE-2025-8671). */
  resetProvoked(): void {
    this.counters.resetsProvoked++;
    this.resets.take(this.now(), "streams that had to be reset");
  }

  /** A frame without effect: all kinds of them are counted here, together. */
  uselessFrame(): void {
    this.counters.emptyFrames++;
    this.empty.take(this.now(), "frames without effect");
  }

  /**
   * RST_STREAM of a closed stream, beyond the one that the stream explains; `sent`: DATA frames that this side has sent. Netty, and with it
   * dubbo-java and grpc-java, answers each frame that it receives of a stream that it has reset by another RST_STREAM.
   */
  lateReset(sent: number): void {
    if (this.lateResetsPaidFor < sent) this.lateResetsPaidFor++;
    else this.uselessFrame();
  }

  /**
   * DATA without content and without END_STREAM. `received` counts the DATA bytes that arrived before it, and
   * {@link bytesPerEmptyData} for each header block.
   */
  emptyData(received: number): void {
    if (this.emptyDataPaidFor < Math.floor(received / bytesPerEmptyData)) {
      this.counters.emptyFrames++;
      this.emptyDataPaidFor++;
    } else this.uselessFrame();
  }

  /** SETTINGS that have to be acknowledged. */
  settings(): void {
    this.counters.settings++;
    this.settingsFrames.take(this.now(), "SETTINGS");
  }

  /**
   * A PING that has to be answered; `sent` grows with every header block and DATA byte that this side sends, `ends` with every
   * stream that it ends. A server of ours asks behind the ends of uploads, see `HeldEnds` of @tristream/core: behind an end that it
   * receives while a PING is in flight, the next PING follows at once. So an end pays for two PINGs.
   */
  ping(sent: number, ends: number): void {
    this.counters.pings++;
    const paid = sent !== this.sentAtLastPing || ends !== this.endsAtPingBefore;
    this.sentAtLastPing = sent;
    this.endsAtPingBefore = this.endsAtLastPing;
    this.endsAtLastPing = ends;
    if (!paid) this.pingFrames.take(this.now(), "PING without anything sent between them");
  }

  /** WINDOW_UPDATE; `sent`: DATA bytes that this side has sent, in so many `frames` that no window cut short. */
  windowUpdate(sent: number, frames: number): void {
    this.counters.windowUpdates++;
    const paid = Math.floor(sent / bytesPerUpdate) + updatesPerFrame * frames;
    if (this.updatesPaidFor < paid) this.updatesPaidFor++;
    else this.updates.take(this.now(), "WINDOW_UPDATE beyond those that the sent DATA explains");
  }
}

/** The error of a limit that was passed. */
export function limitPassed(
  what: string,
  limit: string,
  code: number = ErrorCode.ENHANCE_YOUR_CALM,
): Http2ConnectionError {
  return new Http2ConnectionError(code, `${what} (option http2.${limit})`, { limit });
}

/** A token bucket: full at first, refilled with time. */
class Bucket {
  private readonly name: RateName;
  private readonly rate: RateLimit;
  private tokens: number;
  private filledAt = -1;

  constructor(name: RateName, rate: RateLimit) {
    this.name = name;
    this.rate = rate;
    this.tokens = rate.burst;
  }

  take(now: number, what: string, tokens = 1): void {
    const { burst, perSecond } = this.rate;
    if (this.filledAt >= 0) {
      this.tokens = Math.min(burst, this.tokens + ((now - this.filledAt) / 1000) * perSecond);
    }
    this.filledAt = now;
    if (this.tokens < tokens) {
      throw limitPassed(
        `too many ${what}: at most ${burst} at once and ${perSecond} a second are allowed`,
        this.name,
      );
    }
    this.tokens -= tokens;
  }
}
