// SPDX-License-Identifier: Apache-2.0

/** The error codes of RST_STREAM and GOAWAY (RFC 9113 §7), in the RFC's order. */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

const names = Object.entries(ErrorCode).map(([name]) => name);

/** The RFC's name of an error code, or `error code N` for one that RFC 9113 does not define. */
export function errorCodeName(code: number): string {
  return names[code] ?? `error code ${code}`;
}

/**
 * A connection error of the peer (RFC 9113 §5.4.1): the connection answers GOAWAY with `code` and closes.
 *
 * Thrown inside the state machine only; users meet it as the `error` of a connection's end.
 */
export class Http2ConnectionError extends Error {
  override readonly name = "Http2ConnectionError";
  /** One of {@link ErrorCode}. */
  readonly code: number;
  /** The option of `Http2Options` whose limit the peer passed; absent when it was none. */
  readonly limit?: string;
  /** The peer speaks another protocol: its first bytes are not HTTP/2's. */
  readonly otherProtocol: boolean;

  constructor(
    code: number,
    message: string,
    options?: ErrorOptions & { limit?: string; otherProtocol?: boolean },
  ) {
    super(message, options);
    this.code = code;
    this.otherProtocol = options?.otherProtocol ?? false;
    if (options?.limit !== undefined) this.limit = options.limit;
  }
}
