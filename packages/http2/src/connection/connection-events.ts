// SPDX-License-Identifier: Apache-2.0
import type { HeaderList } from "../hpack/header-list.js";
import type { Stream } from "../streams/stream.js";

/** The calls that a connection makes to its owner. */
export interface ConnectionEvents {
  /** Server: the peer opened a stream. Set `stream.sink` before returning. `end`: the request has no body. */
  stream?(stream: Stream, list: HeaderList, end: boolean): void;
  /** The peer will not answer streams above `lastStreamId`, and new ones have to go elsewhere. `text` says all of it, for an error. */
  goAway?(code: number, lastStreamId: number, debug: string, text: string): void;
  /** The peer may have stopped answering, and can't be asked again: new streams belong on another connection. */
  doubted?(): void;
  /** The peer's first SETTINGS has arrived and is applied: it speaks HTTP/2. */
  ready?(): void;
  /** A call, a message or a stream was refused or ended for a limit that does not end the connection; `message` names its option. */
  limited?(message: string): void;
  /** The connection is over. `error` is absent after an orderly end. */
  closed?(error?: Error): void;
  /** The number of open streams became 0, or 1 from 0. */
  active?(active: boolean): void;
}
