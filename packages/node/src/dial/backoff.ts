// SPDX-License-Identifier: Apache-2.0
import { type Clock, Code, ConnectError } from "@tristream/core";

/** Delay after the first failed attempt, in milliseconds (gRPC connection backoff: INITIAL_BACKOFF). */
const firstDelayMs = 1000;
/** Growth of the delay with each further failure (MULTIPLIER). */
const multiplier = 1.6;
/** Part of a delay by which it is longer or shorter at random (JITTER). Clients of one server must not return together. */
const jitter = 0.2;

/**
 * Spaces the attempts to connect, with gRPC's numbers (https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md). A delay counts
 * from the beginning of an attempt. It has no timer: the first call after the delay makes the next attempt.
 */
export class Backoff {
  private readonly clock: Clock;
  private readonly maxDelayMs: number;
  private failures = 0;
  /** The loss of the next short connection costs no delay. */
  private spare = true;
  private nextAt = Number.NEGATIVE_INFINITY;
  private last: ConnectError | null = null;

  constructor(clock: Clock, maxDelayMs: number) {
    this.clock = clock;
    this.maxDelayMs = maxDelayMs;
  }

  /** The error of a call that may not connect now; null if it may. */
  refusal(): ConnectError | null {
    if (this.last === null) return null;
    const left = this.nextAt - this.clock.now();
    if (left <= 0) return null;
    const text = `${this.last.rawMessage}; the next attempt is in ${Math.ceil(left)} ms (option maxReconnectDelayMs)`;
    return new ConnectError(text, Code.Unavailable, undefined, undefined, this.last);
  }

  /** An attempt that began at `startedAt` has failed. */
  failed(startedAt: number, error: ConnectError): void {
    this.nextAt = startedAt + this.delayMs * (1 - jitter + 2 * jitter * Math.random());
    this.last = error;
    this.failures++;
  }

  /**
   * An established connection is over. If it carried an answer, or lived longer than the next delay, the next attempt is free. A peer
   * that ends its connections before any answer gets one free attempt.
   */
  ended(startedAt: number, answered: boolean, error: ConnectError): void {
    const lived = this.clock.now() - startedAt;
    if (answered || lived > this.delayMs) this.reset();
    else if (this.spare) this.spare = false;
    else this.failed(startedAt, error);
  }

  /** The next delay, without its jitter. */
  private get delayMs(): number {
    return Math.min(firstDelayMs * multiplier ** this.failures, this.maxDelayMs);
  }

  private reset(): void {
    this.failures = 0;
    this.spare = true;
    this.last = null;
  }
}
