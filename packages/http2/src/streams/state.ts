// SPDX-License-Identifier: Apache-2.0

/**
 * The states of a stream (RFC 9113 §5.1). Push is off, so the two reserved states do not occur. The two low bits are the two sides: what
 * has ended both ways is closed.
 */
export const StreamState = {
  OPEN: 0,
  /** This side has sent END_STREAM. */
  HALF_CLOSED_LOCAL: 1,
  /** The peer has sent END_STREAM. */
  HALF_CLOSED_REMOTE: 2,
  CLOSED: 3,
  /** No HEADERS were sent or received: the stream waits for the peer's limit on concurrent streams (§5.1.2). */
  IDLE: 4,
} as const;

/** The bits of a state that §5.1 names. */
const named = 7;
/** The final header list arrived: DATA or trailers follow (§8.1). */
const HEADERS_RECEIVED = 8;
/** END_STREAM waits behind queued bytes, or with an idle stream. The stream is still open, but nothing can be sent behind the end. */
const END_QUEUED = 16;

/** A new stream of this side. */
export const idle: number = StreamState.IDLE;

// The functions below make one state of another. A stream holds its state as a number, since there may be ten thousand streams: each
// flag of its own would cost 8 bytes a stream.

/** HEADERS were sent: an idle stream opens (§5.1). */
export function headersSent(state: number): number {
  return state & ~StreamState.IDLE;
}

/** The final header list arrived (§8.1): the peer's request opens a stream, and its response answers one. */
export function headersReceived(state: number): number {
  return (state & ~StreamState.IDLE) | HEADERS_RECEIVED;
}

/** END_STREAM has to wait for queued bytes. */
export function endQueued(state: number): number {
  return state | END_QUEUED;
}

/** END_STREAM was sent: half-closed (local), or closed if the peer has ended as well (§5.1). */
export function endSent(state: number): number {
  return (state & ~END_QUEUED) | StreamState.HALF_CLOSED_LOCAL;
}

/** END_STREAM was received: half-closed (remote), or closed if this side has ended as well (§5.1). */
export function endReceived(state: number): number {
  return state | StreamState.HALF_CLOSED_REMOTE;
}

/** Undoes the arrival of the end, the opposite of {@link endReceived}: a postponed stream delivers the end again. */
export function endRewound(state: number): number {
  return state & ~StreamState.HALF_CLOSED_REMOTE;
}

/** RST_STREAM was sent or received, or the connection has ended (§5.1, §6.4). */
export function reset(state: number): number {
  return (state & HEADERS_RECEIVED) | StreamState.CLOSED;
}

/** The state of §5.1. */
export function rfcState(state: number): number {
  return state & named;
}

/** True in the idle state. */
export function isIdle(state: number): boolean {
  return (state & StreamState.IDLE) !== 0;
}

/** True in the closed state. */
export function isClosed(state: number): boolean {
  return (state & named) === StreamState.CLOSED;
}

/** True if the application may still send: this side has neither ended nor queued its end. */
export function maySend(state: number): boolean {
  return (state & (StreamState.HALF_CLOSED_LOCAL | END_QUEUED)) === 0;
}

/** True if the peer may still send. */
export function mayReceive(state: number): boolean {
  return (state & StreamState.HALF_CLOSED_REMOTE) === 0;
}

/** True if END_STREAM waits to be sent. */
export function endWaits(state: number): boolean {
  return (state & END_QUEUED) !== 0;
}

/** True if the final header list has arrived. */
export function hasHeaders(state: number): boolean {
  return (state & HEADERS_RECEIVED) !== 0;
}
