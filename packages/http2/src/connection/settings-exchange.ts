// SPDX-License-Identifier: Apache-2.0

import { maxUint31 } from "../frame/frame-type.js";
import { ErrorCode, Http2ConnectionError } from "./error-code.js";
import type { ResolvedHttp2Options } from "./options.js";
import { PeerSettings, Setting } from "./settings.js";

/** The settings of both sides (RFC 9113 §6.5), and those of ours that the peer has not acknowledged yet. */
export class SettingsExchange {
  /** The peer's, as far as they are known. */
  readonly peer: PeerSettings = new PeerSettings();
  /** The peer's first SETTINGS has arrived (§3.4). */
  received = false;
  private unacknowledged = 1;
  private limitAnnounced = false;

  /** True if the peer has acknowledged ours. */
  get acknowledged(): boolean {
    return this.unacknowledged === 0;
  }

  /** Our first SETTINGS: id, value, id, value … */
  first(options: ResolvedHttp2Options, isServer: boolean): readonly number[] {
    return [
      ...(isServer
        ? [Setting.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams]
        : [Setting.ENABLE_PUSH, 0]),
      // The RFC's own value, said all the same: dubbo-java takes it for 65,536 when it is not, and overruns it.
      Setting.INITIAL_WINDOW_SIZE,
      65_535,
      Setting.MAX_FRAME_SIZE,
      options.maxFrameSize,
      Setting.MAX_HEADER_LIST_SIZE,
      options.maxHeaderListSize,
    ];
  }

  /** Takes over one of the peer's settings; what else follows from it is the connection's. */
  apply(id: number, value: number): void {
    const { peer } = this;
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        peer.headerTableSize = value;
        return;
      case Setting.MAX_CONCURRENT_STREAMS:
        peer.maxConcurrentStreams = value;
        this.limitAnnounced = true;
        return;
      case Setting.MAX_HEADER_LIST_SIZE:
        peer.maxHeaderListSize = value;
        return;
      case Setting.MAX_FRAME_SIZE:
        peer.maxFrameSize = value;
        return;
      case Setting.INITIAL_WINDOW_SIZE:
        peer.initialWindowSize = value;
    }
  }

  /** All of a SETTINGS frame was applied. */
  applied(): void {
    // RFC 9113 has no initial limit: without the setting the peer takes as many as there are ids.
    if (!this.limitAnnounced) this.peer.maxConcurrentStreams = maxUint31;
    this.limitAnnounced = true;
  }

  /** The peer acknowledged; throws when there was nothing to acknowledge. */
  acknowledge(): void {
    if (this.unacknowledged === 0) {
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        "SETTINGS acknowledged that were never sent (RFC 9113 §6.5)",
      );
    }
    this.unacknowledged--;
  }
}
