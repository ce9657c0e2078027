// SPDX-License-Identifier: Apache-2.0

/**
 * The connection's receive window. Credit is due on receipt, so that a stream which nobody reads does not starve the
 * others; past `maxBuffered` bytes that the application has not taken, only as it takes them, so that memory is
 * bounded by `maxBuffered`, one window, and the messages that are under way.
 *
 * At every moment `window + owed + withheld` is the target: no byte of credit is ever lost or made.
 */
export class ReceiveLedger {
  /** What the peer may still send. */
  window = 65_535;
  /** Bytes that arrived and that the application has not taken. */
  held = 0;
  private owed: number;
  private withheld = 0;
  private readonly target: number;
  private readonly maxBuffered: number;
  /** Octets of messages that are under way: they may be held beyond the limit, since nobody can take a part. */
  private lent = 0;

  constructor(target: number, maxBuffered: number) {
    this.target = target;
    this.maxBuffered = maxBuffered;
    this.owed = target - this.window;
  }

  /** `n` bytes arrived. Returns false when the peer has sent more than it was allowed to. */
  received(n: number): boolean {
    this.window -= n;
    this.held += n;
    if (this.held <= this.maxBuffered + this.lent) this.owed += n;
    else this.withheld += n;
    return this.window >= 0;
  }

  /** The application took or dropped `n` bytes. */
  released(n: number): void {
    this.held -= n;
    if (this.withheld > 0) {
      const k = this.held <= this.maxBuffered + this.lent ? this.withheld : Math.min(n, this.withheld);
      this.withheld -= k;
      this.owed += k;
    }
  }

  /**
   * A message of `n` octets is under way, which nobody can take before it is whole: so many more may be held, or many
   * such messages at once would wait for each other for ever. Negative when it is whole, or will never be.
   */
  lend(n: number): void {
    this.lent += n;
    if (n <= 0) return;
    const k = Math.min(n, this.withheld);
    this.withheld -= k;
    this.owed += k;
  }

  /** The increment to announce now: 0, or at least a quarter of the window. Counts as announced. */
  takeDue(): number {
    if (this.owed * 4 < this.target) return 0;
    const n = this.owed;
    this.owed = 0;
    this.window += n;
    return n;
  }

  /** Whether the ledger adds up; for tests. */
  get balanced(): boolean {
    return this.window + this.owed + this.withheld === this.target && this.held >= 0;
  }
}
