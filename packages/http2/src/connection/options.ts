// SPDX-License-Identifier: Apache-2.0
import { quote } from "./quote.js";

/** How often something may happen: `burst` times at once, and `perSecond` more with every second. */
export interface RateLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/** Limits and sizes of a connection. All have defaults that suit RPC; sizes are in bytes, times in milliseconds. */
export interface Http2Options {
  /**
   * Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS). Server only. A stream that is closed
   * counts until its handler has settled, or resets would be a way past the limit (CVE-2023-44487). Default 1024:
   * all calls of a peer share one connection, and 100 to 250 have made others queue.
   */
  maxConcurrentStreams?: number | undefined;
  /** Largest header list that is accepted, by RFC 9113 §6.5.2 (name + value + 32 each). Default 16,384. */
  maxHeaderListSize?: number | undefined;
  /** Largest number of fields in a header list. Default 256. */
  maxHeaderFields?: number | undefined;
  /**
   * Most CONTINUATION frames of one header block. Default 8; at least as many as a list of `maxHeaderListSize` needs. The block's bytes
   * are bounded by four times `maxHeaderListSize` (CVE-2024-27316).
   */
  maxContinuations?: number | undefined;
  /**
   * Largest dynamic table of HPACK that is kept for encoding, in bytes, however much more the peer allows. Default 4096.
   * The one for decoding has the RFC's 4096: peers get lower values wrong.
   */
  maxEncoderTableSize?: number | undefined;
  /**
   * Largest frame that is accepted (SETTINGS_MAX_FRAME_SIZE), 16,384 to 16,777,215. Default 65,535: a frame of
   * that size fits the window that a stream begins with, and there are peers that don't look. It costs no memory: DATA is
   * delivered as it arrives, and header blocks have limits of their own.
   */
  maxFrameSize?: number | undefined;
  /** Receive window that a stream's growing window stops at. It starts at 65,535. Default 1,048,576. */
  maxStreamWindow?: number | undefined;
  /** Receive window of the connection, at least 65,535. It is given back on receipt. Default 4,194,304. */
  connectionWindow?: number | undefined;
  /**
   * Bytes that all streams together may get beyond their first windows of 65,535: once for windows that grow while their
   * readers keep up, once for messages under way that are larger than their windows (a single one may be larger than this),
   * and once for trials of messages that wait for that. Default 16,777,216.
   *
   * What a peer can make a connection hold is therefore at most `maxConcurrentStreams` × 65,535 + 3 × `maxBufferedBytes`, and
   * the whole messages that the application leaves unread, one a stream. No stream waits for another one's reader.
   */
  maxBufferedBytes?: number | undefined;
  /**
   * Output that the peer has not taken, in bytes, past which a server reads no further from it until it has. Default
   * 1,048,576.
   */
  maxUnreadOutput?: number | undefined;
  /**
   * Bytes that may wait to be sent on the connection: in the queues of all streams, being compressed for them, and in the link. A
   * server refuses new calls with `ResourceExhausted` when more than half of them wait, before their handlers run; the other half is
   * for the calls that run. A message that would pass the limit is not queued, and its call ends with `ResourceExhausted`, but for one
   * that waits alone. Default 268,435,456 for a server; none (2 ** 40) for a client, whose application decides how many calls it makes.
   */
  maxQueuedBytes?: number | undefined;
  /**
   * Time in which the peer has to take some of the bytes that a stream has queued, in milliseconds; 0 for no limit. A stream that
   * gains nothing ends with `ResourceExhausted`. Default 0: a slow reader is legal as long as its connection answers PINGs.
   */
  stalledStreamTimeoutMs?: number | undefined;
  /**
   * RST_STREAM that arrives before this side's answer is written, and streams that the peer's mistakes make this side reset, together
   * (CVE-2023-44487, CVE-2025-8671). Each 64 KiB of an answer that is dropped count as one more. Default 2500 and 100 a second: clients
   * that cancel much are honest, and may cancel all their calls at once, twice.
   */
  resetRate?: RateLimit | undefined;
  /**
   * Calls whose deadline passes: RST_STREAM that arrives when it has passed or is less than a second away, and calls that the server ends by
   * it. Server. Default 5000 and 2000 a second: a client's deadlines often pass together.
   */
  deadlineRate?: RateLimit | undefined;
  /**
   * Frames without effect: empty or only padded DATA without END_STREAM, PRIORITY, GOAWAY, unknown types, unasked-for acknowledgements,
   * and frames of closed streams beyond those that the peer may have sent before it knew (CVE-2019-9518). Default 1000 and 50 a second.
   */
  emptyFrameRate?: RateLimit | undefined;
  /** SETTINGS frames, each of which is acknowledged (CVE-2019-9515). Default 100 and 1 a second. */
  settingsRate?: RateLimit | undefined;
  /**
   * PING frames with nothing sent by this side between them (CVE-2019-9512); the end of a stream pays for two. Default 100 and 2 a second.
   */
  pingRate?: RateLimit | undefined;
  /**
   * WINDOW_UPDATE frames beyond one for each KiB of DATA that this side has sent, and two for each DATA frame that no window cut short
   * (CVE-2019-9511). Default 10,000 and 1000 a second.
   */
  windowUpdateRate?: RateLimit | undefined;
  /**
   * Bytes of input that one turn of the event loop reads; the rest waits for the next turn, and the peer's other bytes in the
   * kernel. Passed by at most 65,536. A server's answers have the same budget: once one turn has made so many bytes of them, further ones
   * begin in the next turns. Default 262,144 for a server: the calls of other connections keep their latency. Default 524,288 for a
   * client, whose large streams were 6 % slower with the smaller one.
   */
  maxBytesPerTurn?: number | undefined;
  /** New streams of the peer that one turn of the event loop reads; what follows waits for the next turn. Server. Default 128. */
  maxStreamsPerTurn?: number | undefined;
  /** Time for the peer's preface and first SETTINGS. Default 10,000. */
  prefaceTimeoutMs?: number | undefined;
  /** Time for the peer to acknowledge our SETTINGS. Default 10,000. */
  settingsTimeoutMs?: number | undefined;
  /**
   * Time for the rest of a frame or header block that has begun; DATA only has to go on. A message larger than its window has to
   * gain 64 KiB in this time or become whole, or its stream ends (ENHANCE_YOUR_CALM, ResourceExhausted). Default 30,000.
   */
  frameTimeoutMs?: number | undefined;
  /** Time in which the peer has to take some of the output that waits for it. Default 30,000. */
  writeTimeoutMs?: number | undefined;
  /**
   * Server: time for the first request. Default 0, no limit: clients connect early and call hours later, and some lose the
   * call that meets a GOAWAY (dubbo-java).
   */
  firstRequestTimeoutMs?: number | undefined;
  /** Time without streams after which the connection is ended in order. Default 0, no limit, for the same reason. */
  idleTimeoutMs?: number | undefined;
  /**
   * Silence of the peer, with open streams, after which a PING asks for a sign of life, in milliseconds; 0 for never. Default: 310,000 for
   * a client, just above the 5 minutes that grpc-go and grpc-java allow by default, and 120,000 for a server. A client also asks on
   * doubt, at most twice between frames of the peer: see `docs/limits.md`.
   */
  keepaliveMs?: number | undefined;
  /** Time after a PING in which anything has to be received, in milliseconds; then the connection is lost. Default 10,000. */
  keepaliveTimeoutMs?: number | undefined;
  /**
   * Sends the PING after `keepaliveMs` also without open streams. Default false: grpc-go and grpc-java end connections of such clients,
   * unless the server permits it.
   */
  keepaliveWhenIdle?: boolean | undefined;
}

/** {@link Http2Options} with every default filled in. */
export type ResolvedHttp2Options = {
  readonly [Name in keyof Http2Options]-?: Exclude<Http2Options[Name], undefined>;
};

/** Fills in the defaults of a role and refuses what RFC 9113 does not allow. */
export function resolveHttp2Options(
  options: Http2Options = {},
  role: "client" | "server" = "client",
): ResolvedHttp2Options {
  const resolved = {
    maxConcurrentStreams: within(options.maxConcurrentStreams, "maxConcurrentStreams", 1024, 1, 2 ** 32 - 1),
    maxHeaderListSize: within(options.maxHeaderListSize, "maxHeaderListSize", 16_384, 512, 2 ** 24),
    maxHeaderFields: within(options.maxHeaderFields, "maxHeaderFields", 256, 16, 65_536),
    maxFrameSize: within(options.maxFrameSize, "maxFrameSize", 65_535, 16_384, 16_777_215),
    maxStreamWindow: within(options.maxStreamWindow, "maxStreamWindow", 1_048_576, 65_535, 2 ** 31 - 1),
    connectionWindow: within(options.connectionWindow, "connectionWindow", 4_194_304, 65_535, 2 ** 31 - 1),
    maxBufferedBytes: within(options.maxBufferedBytes, "maxBufferedBytes", 16_777_216, 65_535, 2 ** 40),
    maxContinuations: within(options.maxContinuations, "maxContinuations", 8, 1, 65_536),
    maxEncoderTableSize: within(options.maxEncoderTableSize, "maxEncoderTableSize", 4096, 0, 65_536),
    maxUnreadOutput: within(options.maxUnreadOutput, "maxUnreadOutput", 1_048_576, 65_536, 2 ** 40),
    maxQueuedBytes: within(
      options.maxQueuedBytes,
      "maxQueuedBytes",
      role === "client" ? 2 ** 40 : 268_435_456,
      131_072,
      2 ** 40,
    ),
    stalledStreamTimeoutMs: within(options.stalledStreamTimeoutMs, "stalledStreamTimeoutMs", 0, 0, longest),
    maxBytesPerTurn: within(
      options.maxBytesPerTurn,
      "maxBytesPerTurn",
      role === "client" ? 524_288 : 262_144,
      1,
      2 ** 40,
    ),
    maxStreamsPerTurn: within(options.maxStreamsPerTurn, "maxStreamsPerTurn", 128, 1, 2 ** 31 - 1),
    resetRate: rate(options.resetRate, "resetRate", 2500, 100),
    deadlineRate: rate(options.deadlineRate, "deadlineRate", 5000, 2000),
    emptyFrameRate: rate(options.emptyFrameRate, "emptyFrameRate", 1000, 50),
    settingsRate: rate(options.settingsRate, "settingsRate", 100, 1),
    pingRate: rate(options.pingRate, "pingRate", 100, 2),
    windowUpdateRate: rate(options.windowUpdateRate, "windowUpdateRate", 10_000, 1000),
    prefaceTimeoutMs: within(options.prefaceTimeoutMs, "prefaceTimeoutMs", 10_000, 1, longest),
    settingsTimeoutMs: within(options.settingsTimeoutMs, "settingsTimeoutMs", 10_000, 1, longest),
    frameTimeoutMs: within(options.frameTimeoutMs, "frameTimeoutMs", 30_000, 1, longest),
    writeTimeoutMs: within(options.writeTimeoutMs, "writeTimeoutMs", 30_000, 1, longest),
    firstRequestTimeoutMs: within(options.firstRequestTimeoutMs, "firstRequestTimeoutMs", 0, 0, longest),
    idleTimeoutMs: within(options.idleTimeoutMs, "idleTimeoutMs", 0, 0, longest),
    keepaliveMs: within(
      options.keepaliveMs,
      "keepaliveMs",
      role === "client" ? 310_000 : 120_000,
      0,
      longest,
    ),
    keepaliveTimeoutMs: within(options.keepaliveTimeoutMs, "keepaliveTimeoutMs", 10_000, 1, longest),
    keepaliveWhenIdle: flag(options.keepaliveWhenIdle, "keepaliveWhenIdle", false),
  };
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(resolved, name))
      throw new RangeError(
        `${name} is not an option of HTTP/2: there are ${Object.keys(resolved).join(", ")}`,
      );
  }
  return resolved;
}

const longest = 2 ** 31 - 1;

function flag(value: boolean | undefined, name: string, ifAbsent: boolean): boolean {
  if (value === undefined) return ifAbsent;
  if (typeof value !== "boolean")
    throw new RangeError(
      `option ${name} is ${String(value)}: pass true or false, or leave it out for ${ifAbsent}`,
    );
  return value;
}

function rate(value: RateLimit | undefined, name: string, burst: number, perSecond: number): RateLimit {
  if (value === undefined) return { burst, perSecond };
  const valid = (n: unknown): boolean => typeof n === "number" && n >= 0;
  if (typeof value !== "object" || value === null || !valid(value.burst) || !valid(value.perSecond)) {
    throw new RangeError(
      `option ${name} is ${JSON.stringify(value)}: pass { burst, perSecond }, numbers of 0 and more, or leave it out for { burst: ${burst}, perSecond: ${perSecond} }`,
    );
  }
  return value;
}

function within(value: number | undefined, name: string, ifAbsent: number, min: number, max: number): number {
  if (value === undefined) return ifAbsent;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `option ${name} is ${typeof value === "string" ? quote(value) : value}: pass an integer from ${min} to ${max}, or leave it out for ${ifAbsent}`,
    );
  }
  return value;
}
