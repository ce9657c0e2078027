// SPDX-License-Identifier: Apache-2.0

/** The phases in the life of a connection, in their order. A connection may skip some. */
export const Phase = {
  /** Both sides may open streams. */
  OPEN: 0,
  /** The peer has sent GOAWAY: open streams finish, then the connection closes (RFC 9113 §6.8). */
  GOAWAY_RECEIVED: 1,
  /** This side has sent the first of a server's two GOAWAY frames: the streams that were under way still arrive (§6.8). */
  GOAWAY_SENT: 2,
  /** This side has sent its last GOAWAY: open streams finish, then the connection closes (§6.8). */
  DRAINING: 3,
  /** The link was told to end: nothing is read or sent any more (§5.4.1 after an error). */
  CLOSING: 4,
  /** The link is closed. */
  CLOSED: 5,
} as const;

/** What moves a connection from phase to phase. */
export const Input = {
  GOAWAY_RECEIVED: 0,
  /** The first of two GOAWAY frames was sent. */
  GOAWAY_SENT: 1,
  /** The last GOAWAY was sent. */
  LAST_GOAWAY_SENT: 2,
  /** The link was told to end. */
  END: 3,
  LINK_CLOSED: 4,
} as const;

const { OPEN, GOAWAY_RECEIVED, GOAWAY_SENT, DRAINING, CLOSING, CLOSED } = Phase;

/** The next phase: a row a phase, a column an {@link Input}. */
const transitions: readonly (readonly number[])[] = [
  [GOAWAY_RECEIVED, GOAWAY_SENT, DRAINING, CLOSING, CLOSED],
  // The peer opens no more streams: none is under way, so no second GOAWAY follows the first.
  [GOAWAY_RECEIVED, DRAINING, DRAINING, CLOSING, CLOSED],
  [GOAWAY_SENT, GOAWAY_SENT, DRAINING, CLOSING, CLOSED],
  [DRAINING, DRAINING, DRAINING, CLOSING, CLOSED],
  [CLOSING, CLOSING, CLOSING, CLOSING, CLOSED],
  [CLOSED, CLOSED, CLOSED, CLOSED, CLOSED],
];

/** The state of a connection: its {@link Phase}, and why it ends. */
export class ConnectionState {
  /** Why the connection ends, or will; undefined for an orderly end. */
  failure: Error | undefined;
  /** What the peer's last GOAWAY said, for errors; undefined before one. */
  goAwayText: string | undefined;
  private phase: number = OPEN;

  /** Moves to the phase that follows `input`, one of {@link Input}. */
  apply(input: number): void {
    this.phase = transitions[this.phase]![input]!;
  }

  /** True if both sides may open streams. */
  get open(): boolean {
    return this.phase === OPEN;
  }

  /** True if this side has sent GOAWAY in a graceful shutdown. */
  get goAwaySent(): boolean {
    return this.phase === GOAWAY_SENT || this.phase === DRAINING;
  }

  /** True if the last GOAWAY has still to be sent. */
  get goAwayFollows(): boolean {
    return this.phase === GOAWAY_SENT;
  }

  /** True if the connection closes with its last stream. */
  get closesWhenIdle(): boolean {
    return this.phase === GOAWAY_RECEIVED || this.phase === DRAINING;
  }

  /** True if nothing is read or sent any more. */
  get over(): boolean {
    return this.phase >= CLOSING;
  }

  /** True if the link is closed. */
  get closed(): boolean {
    return this.phase === CLOSED;
  }
}
