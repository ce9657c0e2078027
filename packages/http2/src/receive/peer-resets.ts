// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, errorCodeName } from "../connection/error-code.js";
import { ClosedBy } from "../streams/closed-streams.js";
import { resetReason } from "../streams/reset-codes.js";
import { maySend } from "../streams/state.js";
import type { Streams } from "../streams/streams.js";
import { protocolError } from "./protocol-error.js";

/**
 * A client's deadline passes before the server's, which begins when the request is read: a reset that comes so many milliseconds
 * before it is still one of the deadline. A limit of its own holds for those, so a client gains little by a deadline that is near.
 */
const resetsBeforeDeadlineMs = 1000;

/** Handles RST_STREAM (RFC 9113 §6.4), and counts rapid resets (CVE-2023-44487). */
export class PeerResets {
  private readonly streams: Streams;

  constructor(streams: Streams) {
    this.streams = streams;
  }

  /** RST_STREAM arrived. */
  received(id: number, code: number): void {
    const { streams } = this;
    if (streams.registry.isIdle(id)) throw protocolError(`RST_STREAM on idle stream ${id} (RFC 9113 §6.4)`);
    const stream = streams.get(id);
    if (stream === undefined) {
      this.late(id);
      return;
    }
    // The peer can't have seen an answer that began when its reset had arrived.
    const rapid =
      streams.isServer && (!stream.send.answered || stream.send.answeredAt >= streams.input.reading);
    const { queuedBytes } = stream;
    const whole = !maySend(stream.state);
    stream.fail(
      {
        code,
        reason: resetReason(code),
        source: "peer",
        disposition: code === ErrorCode.REFUSED_STREAM ? "unprocessed" : "maybe-processed",
        message: `the peer reset the stream with ${errorCodeName(code)}`,
      },
      ClosedBy.PEER_RESET,
    );
    if (rapid) this.count(stream.dueAt, queuedBytes);
    else if (streams.isServer && queuedBytes > 0) this.countUnseen(stream.dueAt, queuedBytes, whole);
  }

  /** The peer reset a stream that is closed. */
  private late(id: number): void {
    const { registry, input, isServer, limits, output } = this.streams;
    const { past } = registry;
    const explained = past.explainsReset();
    const rapid = isServer && past.answeredAfter(id, input.reading);
    if (rapid) this.count(past.dueAt(id), 0);
    // Both sides had ended: no peer that has read the answer's end resets the stream.
    else if (isServer && explained && past.cause(id) === ClosedBy.ENDED)
      this.countUnseen(past.dueAt(id), 0, true);
    else if (!explained) limits.lateReset(output.dataFrames);
  }

  /** Counts a rapid reset of a stream whose deadline passes at `dueAt`, 0 for never, with `unsent` bytes of its answer. */
  private count(dueAt: number, unsent: number): void {
    const { limits } = this.streams;
    if (this.nearDeadline(dueAt)) limits.deadlinePassed();
    else limits.resetReceived(unsent);
  }

  /** Counts a reset that came behind an answer, of which `unsent` bytes had not left. `whole`: its end was made, too. */
  private countUnseen(dueAt: number, unsent: number, whole: boolean): void {
    const { limits, sendWindow } = this.streams;
    if (!this.nearDeadline(dueAt)) limits.answerUnseen(unsent, sendWindow.sent, whole);
  }

  private nearDeadline(dueAt: number): boolean {
    return dueAt !== 0 && this.streams.link.now() >= dueAt - resetsBeforeDeadlineMs;
  }
}
