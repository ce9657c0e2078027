// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "./error-code.js";
import type { ResolvedHttp2Options } from "./options.js";

/** Marks the PINGs of keepalive; "keepaliv" in ASCII, so that a capture reads well. */
export const keepalivePing: Uint8Array = Uint8Array.of(0x6b, 0x65, 0x65, 0x70, 0x61, 0x6c, 0x69, 0x76);

/** Time for which bytes wait to be sent, with nothing received, before a client doubts its peer, in milliseconds. */
const blockedMs = 10_000;
/** Silence before a call's deadline that makes a client doubt its peer, in milliseconds, unless the call itself received nothing. */
const quietMs = 1000;
/**
 * PINGs on doubt between two frames of the peer that carry a call. grpc-go and grpc-java count PINGs less than 5 minutes apart, forgive
 * two, and reset the count when they send HEADERS or DATA. The first one is free, so one strike is left unused.
 */
const mostProbes = 2;

/** The state of a connection that {@link Keepalive} compares. */
export interface Liveness {
  /** Bytes received so far. */
  readonly received: number;
  /** HEADERS and DATA frames received so far. */
  readonly answers: number;
  /** True if a stream is open, or waits to be. */
  readonly active: boolean;
  /** True if bytes wait to be sent. Read in silence only. */
  readonly blocked: () => boolean;
}

/** The next action of a connection: `replace` asks for another connection for new calls. */
export type KeepaliveAction = "none" | "ping" | "replace";

/**
 * Notices a peer that stopped answering. After `keepaliveMs` of silence with open streams the connection sends a PING. If nothing at
 * all is received within `keepaliveTimeoutMs`, the connection is lost.
 *
 * Servers end connections whose clients PING often. So a client also asks on doubt: a deadline has passed, or bytes have waited
 * to be sent for 10 s, and nothing was received meanwhile. Further doubt moves new calls to another connection.
 *
 * It has no timer, and costs the frames nothing: the connection calls it once a second.
 */
export class Keepalive {
  private readonly isServer: boolean;
  private readonly intervalMs: number;
  private readonly timeoutMs: number;
  private readonly whenIdle: boolean;
  private received = -1;
  private receivedAt = 0;
  private checkedAt = 0;
  private answers = 0;
  private probes = 0;
  private pingedAt = Number.NEGATIVE_INFINITY;
  /** A PING was sent, and nothing was received since. */
  private awaiting = false;
  /** PINGs whose acknowledgement has not arrived. */
  private unacknowledged = 0;
  private doubted = false;
  private blockedSince = -1;

  constructor(options: ResolvedHttp2Options, isServer: boolean) {
    this.isServer = isServer;
    this.intervalMs = options.keepaliveMs;
    this.timeoutMs = options.keepaliveTimeoutMs;
    this.whenIdle = options.keepaliveWhenIdle;
  }

  /** Compares the state, and returns the next action. Throws the connection's error when the peer has stopped answering. */
  check(now: number, { received, answers, active, blocked }: Liveness): KeepaliveAction {
    this.checkedAt = now;
    if (answers !== this.answers) {
      this.answers = answers;
      this.probes = 0;
    }
    if (received !== this.received) {
      this.heard(now, received);
      return "none";
    }
    if (this.awaiting) {
      if (now - this.pingedAt <= this.timeoutMs) return "none";
      throw new Http2ConnectionError(
        ErrorCode.NO_ERROR,
        `the peer stopped answering: nothing was received within ${this.timeoutMs} ms of a PING (option http2.keepaliveTimeoutMs)`,
      );
    }
    if (!this.isServer) {
      const action = this.onDoubt(now, blocked);
      if (action !== "none") return action;
    }
    const silentSince = Math.max(this.receivedAt, this.pingedAt);
    const due = this.intervalMs > 0 && now - silentSince > this.intervalMs;
    return due && (active || this.whenIdle) ? this.ping(now) : "none";
  }

  /**
   * The deadline of a call has passed. `received`: bytes so far; `receivedBefore`: bytes when the call began. The client doubts its
   * peer if nothing was received since the call began, or during the last second.
   */
  deadlinePassed(received: number, receivedBefore: number): void {
    const quiet = received === this.received && this.checkedAt - this.receivedAt >= quietMs;
    if (!quiet && received !== receivedBefore) return;
    // Bytes received before the doubt do not end it.
    if (received !== this.received) this.heard(this.checkedAt, received);
    this.doubted = true;
  }

  /** A PING was acknowledged; true when it was one of keepalive's. */
  acknowledged(b: Uint8Array, start: number): boolean {
    if (this.unacknowledged === 0 || keepalivePing.some((byte, i) => b[start + i] !== byte)) return false;
    this.unacknowledged--;
    return true;
  }

  private heard(now: number, received: number): void {
    this.received = received;
    this.receivedAt = now;
    this.awaiting = false;
    this.doubted = false;
    this.blockedSince = -1;
  }

  private onDoubt(now: number, blocked: () => boolean): KeepaliveAction {
    if (!blocked()) this.blockedSince = -1;
    else if (this.blockedSince < 0) this.blockedSince = now;
    const stuck = this.blockedSince >= 0 && now - this.blockedSince >= blockedMs;
    // A peer that has just answered is not asked again: many calls may time out together.
    if (!(this.doubted || stuck) || now - this.pingedAt <= this.timeoutMs) return "none";
    if (this.probes < mostProbes) {
      this.probes++;
      this.doubted = false;
      return this.ping(now);
    }
    if (!this.doubted) return "none";
    this.doubted = false;
    return "replace";
  }

  private ping(now: number): KeepaliveAction {
    this.pingedAt = now;
    this.awaiting = true;
    this.unacknowledged++;
    return "ping";
  }
}
