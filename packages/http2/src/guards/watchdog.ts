// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, type Http2ConnectionError } from "../connection/error-code.js";
import type { ResolvedHttp2Options } from "../connection/options.js";
import { limitPassed } from "./limits.js";

/** How far a connection has come, as the {@link Watchdog} compares it. */
export interface Progress {
  /** The peer's first SETTINGS is here. */
  readonly ready: boolean;
  /** Our SETTINGS are acknowledged. */
  readonly acknowledged: boolean;
  /** A frame or a header block has begun and not ended. */
  readonly unfinished: boolean;
  /** Grows while what is unfinished goes on. */
  readonly inputMark: number;
  /** Bytes of output that the peer has not taken. */
  readonly unread: number;
  /** Bytes of output that it has. */
  readonly taken: number;
  /** A stream was open at some time. */
  readonly used: boolean;
}

/**
 * The time limits of a connection. They are checked now and then, so they cost the frames nothing. A limit may be passed by as much as
 * the time between two checks.
 */
export class Watchdog {
  private readonly options: ResolvedHttp2Options;
  private readonly isServer: boolean;
  private readonly openedAt: number;
  private inputMark = -1;
  private inputSince = 0;
  private taken = -1;
  private takenSince = 0;
  private idleSince: number;

  constructor(options: ResolvedHttp2Options, isServer: boolean, openedAt: number) {
    this.options = options;
    this.isServer = isServer;
    this.openedAt = openedAt;
    this.idleSince = openedAt;
  }

  /** Throws the connection error of a limit that was passed. */
  check(now: number, progress: Progress): void {
    const { options } = this;
    const age = now - this.openedAt;
    if (!progress.ready && age > options.prefaceTimeoutMs) {
      throw late("no SETTINGS", options.prefaceTimeoutMs, "prefaceTimeoutMs", ErrorCode.PROTOCOL_ERROR);
    }
    if (!progress.acknowledged && age > options.settingsTimeoutMs) {
      throw late(
        "SETTINGS not acknowledged",
        options.settingsTimeoutMs,
        "settingsTimeoutMs",
        ErrorCode.SETTINGS_TIMEOUT,
      );
    }
    this.checkInput(now, progress);
    this.checkOutput(now, progress);
    const { firstRequestTimeoutMs: first } = options;
    if (this.isServer && first > 0 && !progress.used && age > first) {
      throw late("no request", first, "firstRequestTimeoutMs", ErrorCode.ENHANCE_YOUR_CALM);
    }
  }

  /** Milliseconds without a stream. */
  idleFor(now: number, streams: number): number {
    if (streams > 0) this.idleSince = now;
    return now - this.idleSince;
  }

  private checkInput(now: number, { unfinished, inputMark }: Progress): void {
    if (!unfinished || inputMark !== this.inputMark) {
      this.inputMark = unfinished ? inputMark : -1;
      this.inputSince = now;
    } else if (now - this.inputSince > this.options.frameTimeoutMs) {
      throw late("a frame that began did not end", this.options.frameTimeoutMs, "frameTimeoutMs");
    }
  }

  private checkOutput(now: number, { unread, taken }: Progress): void {
    if (unread === 0 || taken !== this.taken) {
      this.taken = taken;
      this.takenSince = now;
    } else if (now - this.takenSince > this.options.writeTimeoutMs) {
      throw late(
        `none of ${unread} bytes of output was taken`,
        this.options.writeTimeoutMs,
        "writeTimeoutMs",
      );
    }
  }
}

function late(
  what: string,
  limitMs: number,
  option: string,
  code: number = ErrorCode.ENHANCE_YOUR_CALM,
): Http2ConnectionError {
  return limitPassed(`${what} within ${limitMs} ms`, option, code);
}
