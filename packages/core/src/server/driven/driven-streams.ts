// SPDX-License-Identifier: Apache-2.0

/** The loops of a driven handler's call. */
export interface DrivenStream {
  /**
   * Joins a second loop to the call: calls `loop` at once. The call ends when the handler and all joined loops have ended. If a
   * loop throws, its error ends the call, and the other loops' `receive()` and `send()` reject. The loop's promise is observed: don't
   * await it, and its rejection is never unhandled. Throws the call's error if the call has ended, and `FailedPrecondition` if the
   * handler and all its loops have.
   */
  readonly run: (loop: () => Promise<unknown>) => void;
}

/** The requests of a client stream, for its driven handler, which returns the response. Also an async iterable of the messages. */
export interface DrivenClientStream<I> extends DrivenStream, AsyncIterable<I> {
  /**
   * The next message; undefined once the client has sent all, as often as asked. Several calls are answered in order. Rejects with the
   * call's error when the call ends: `Canceled`, `DeadlineExceeded`, `Unavailable`, or the error of another loop. The rejection
   * of a promise that the handler drops is not unhandled. Leaving a `for await` over the stream leaves the other messages for `receive()`.
   */
  readonly receive: () => Promise<I | undefined>;
}

/** The request and the sends of a server stream, for its driven handler. */
export interface DrivenServerStream<I, O> extends DrivenStream {
  /** The request. */
  readonly request: I;
  /**
   * Sends a message; settles when there is room for another one. Messages are sent in the order of the calls; a handler that does not
   * await `send()` keeps its messages in memory. Rejects with the call's error when the call ends before, as `receive()` does: the
   * message may have been sent. The rejection of a promise that the handler drops is not unhandled.
   */
  readonly send: (message: O) => Promise<void>;
}

/** Both directions of a driven handler's call. Also an async iterable of the messages that it receives. */
export interface DrivenBidiStream<I, O> extends DrivenClientStream<I> {
  /** As {@link DrivenServerStream.send}. */
  readonly send: (message: O) => Promise<void>;
}
