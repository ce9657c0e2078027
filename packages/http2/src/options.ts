// SPDX-License-Identifier: Apache-2.0

/** Limits and sizes of a connection. All have defaults that suit RPC; sizes are in bytes, times in milliseconds. */
export interface Http2Options {
  /** Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS). Server only. Default 1024. */
  maxConcurrentStreams?: number;
  /** Largest header list that is accepted, by RFC 9113 §6.5.2 (name + value + 32 each). Default 16,384. */
  maxHeaderListSize?: number;
  /** Largest number of fields in a header list. Default 256. */
  maxHeaderFields?: number;
  /**
   * Largest frame that is accepted (SETTINGS_MAX_FRAME_SIZE), 16,384 to 16,777,215. Default 65,536. Costs no memory:
   * DATA is delivered as it arrives, and header blocks have limits of their own.
   */
  maxFrameSize?: number;
  /** Receive window that a stream's growing window stops at. It starts at 65,535. Default 1,048,576. */
  maxStreamWindow?: number;
  /** Receive window of the connection, at least 65,535. Default 4,194,304. */
  connectionWindow?: number;
  /**
   * Received bytes that the application has not taken yet, all streams together, past which the connection's window
   * is only given back as they are taken. Default 16,777,216. A connection holds at most this, one `connectionWindow`,
   * and the messages that are under way, one a stream (`stream.expect`): nobody can take a part of one.
   */
  maxBufferedBytes?: number;
  /** Time for the peer's preface and first SETTINGS. Default 10,000. */
  prefaceTimeoutMs?: number;
  /** Time for the peer to acknowledge our SETTINGS. Default 10,000. */
  settingsTimeoutMs?: number;
}

/** {@link Http2Options} with every default filled in. */
export type ResolvedHttp2Options = Readonly<Required<Http2Options>>;

/** Fills in the defaults and refuses what RFC 9113 does not allow. */
export function resolveHttp2Options(options: Http2Options = {}): ResolvedHttp2Options {
  return {
    maxConcurrentStreams: within(options.maxConcurrentStreams, "maxConcurrentStreams", 1024, 1, 2 ** 32 - 1),
    maxHeaderListSize: within(options.maxHeaderListSize, "maxHeaderListSize", 16_384, 512, 2 ** 24),
    maxHeaderFields: within(options.maxHeaderFields, "maxHeaderFields", 256, 16, 65_536),
    maxFrameSize: within(options.maxFrameSize, "maxFrameSize", 65_536, 16_384, 16_777_215),
    maxStreamWindow: within(options.maxStreamWindow, "maxStreamWindow", 1_048_576, 65_535, 2 ** 31 - 1),
    connectionWindow: within(options.connectionWindow, "connectionWindow", 4_194_304, 65_535, 2 ** 31 - 1),
    maxBufferedBytes: within(options.maxBufferedBytes, "maxBufferedBytes", 16_777_216, 65_535, 2 ** 40),
    prefaceTimeoutMs: within(options.prefaceTimeoutMs, "prefaceTimeoutMs", 10_000, 1, 2 ** 31 - 1),
    settingsTimeoutMs: within(options.settingsTimeoutMs, "settingsTimeoutMs", 10_000, 1, 2 ** 31 - 1),
  };
}

function within(value: number | undefined, name: string, ifAbsent: number, min: number, max: number): number {
  if (value === undefined) return ifAbsent;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `${name} is ${value}: pass an integer from ${min} to ${max}, or leave it out for ${ifAbsent}`,
    );
  }
  return value;
}
