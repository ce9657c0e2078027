// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../connection/error-code.js";
import { leastGain } from "../flow/large-messages.js";
import type { Stream } from "../streams/stream.js";
import type { Streams } from "../streams/streams.js";

/** How many streams end in one turn because their messages, or their readers, stopped: a thousand would keep other connections waiting. */
const stoppedAtOnce = 100;

/** Ends the streams whose peer sends, or takes, too little. It looks at them once a second. */
export class StoppedStreams {
  private readonly streams: Streams;
  private readonly fail: (error: unknown) => void;

  /** `fail` takes the errors of what is ended in a later turn. */
  constructor(streams: Streams, fail: (error: unknown) => void) {
    this.streams = streams;
    this.fail = fail;
  }

  /** Looks at all streams. */
  check(now: number): void {
    this.endStopped(now);
    if (this.streams.budget.queuedBytes > 0) this.endStalled(now);
  }

  /** Ends the streams whose large messages have stopped, so that others get their room. */
  private endStopped(now: number): void {
    const { largeMessages, options, output, link } = this.streams;
    // While the connection does not read, the peer's bytes can't arrive.
    if (output.paused) largeMessages.restart();
    const stopped = largeMessages.stopped(now, options.frameTimeoutMs, stoppedAtOnce);
    for (const { stream, messageSize } of stopped) {
      stream.stopped(
        `a message of ${messageSize} bytes gained less than ${leastGain} within ${options.frameTimeoutMs} ms: its room is given to others (option http2.frameTimeoutMs)`,
      );
    }
    if (stopped.length === stoppedAtOnce) link.nextTurn(() => this.endMoreStopped(now));
  }

  private endMoreStopped(now: number): void {
    if (this.streams.state.over) return;
    try {
      this.endStopped(now);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the streams whose peer takes nothing of what they have queued. */
  private endStalled(now: number): void {
    const { streams } = this;
    const { stalledStreamTimeoutMs: limitMs } = streams.options;
    const stalled = stalledQueues(streams.registry.open.values(), now, limitMs, streams.sendWindow.sent);
    // The others in a second.
    for (const stream of stalled.slice(0, stoppedAtOnce)) {
      streams.limits.counters.streamsStalled++;
      const message = `none of ${stream.queuedBytes} bytes that a stream has queued was taken within ${limitMs} ms (option http2.stalledStreamTimeoutMs)`;
      streams.events.limited?.(message);
      streams.resetWith(stream, ErrorCode.ENHANCE_YOUR_CALM, message);
    }
  }
}

/**
 * Frees the memory of queued bytes that have left, and returns the streams that sent nothing for more than `limitMs`; 0 for no limit.
 * `sent`: DATA bytes that the connection has sent.
 */
function stalledQueues(streams: readonly Stream[], now: number, limitMs: number, sent: number): Stream[] {
  return streams.filter(({ send: { queue, window } }) => {
    if (queue === null) return false;
    queue.compact();
    // A stream with a window of its own waits for the connection's, or for the link, which other streams use meanwhile.
    return limitMs > 0 && queue.stalledFor(now, window > 0 ? sent : queue.taken) > limitMs;
  });
}
