// SPDX-License-Identifier: Apache-2.0

/** How often something may happen. */
export interface Rate {
  /** How often at once. */
  readonly burst: number;
  /** How often in each further second. */
  readonly perSecond: number;
}

/** A token bucket: begins full. Times are milliseconds of the caller's clock. */
export class TokenBucket {
  private readonly rate: Rate;
  private tokens: number;
  private at: number;

  constructor(rate: Rate, now: number) {
    this.rate = rate;
    this.tokens = rate.burst;
    this.at = now;
  }

  /** Takes a token, if there is one. */
  take(now: number): boolean {
    this.refill(now);
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** True if the bucket is as full as a new one. */
  full(now: number): boolean {
    this.refill(now);
    return this.tokens === this.rate.burst;
  }

  private refill(now: number): void {
    const { burst, perSecond } = this.rate;
    this.tokens = Math.min(burst, this.tokens + (Math.max(0, now - this.at) * perSecond) / 1000);
    this.at = now;
  }
}
