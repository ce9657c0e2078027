// SPDX-License-Identifier: Apache-2.0

/**
 * The connection's receive window. Credit is due on receipt, so that a stream which nobody reads does not starve the
 * others; past `maxBuffered` bytes that the application has not taken, only as it takes them, so that memory is
 * bounded by `maxBuffered` and one window.
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
  /** Messages larger than their stream's window that are under way, and the largest need of them. */
  private borrowers = 0;
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
      const k = Math.min(n, this.withheld);
      this.withheld -= k;
      this.owed += k;
    }
  }

  /**
   * A message of which `n` bytes are to come can't be taken before it is whole: so many more may be held, or it would
   * wait for ever. `again`: for the stream that borrowed before and has not {@link ReceiveLedger.repaid}. Of several
   * such messages the largest counts, so that memory stays bounded by one message.
   */
  borrowed(n: number, again: boolean): void {
    if (!again) this.borrowers++;
    if (n <= this.lent) return;
    const k = Math.min(n - this.lent, this.withheld);
    this.lent = n;
    this.withheld -= k;
    this.owed += k;
  }

  /** The message was taken, or will never be whole. */
  repaid(): void {
    if (--this.borrowers === 0) this.lent = 0;
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
