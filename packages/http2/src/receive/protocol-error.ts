// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";

/** A connection error: the peer does what it must not. */
export function protocolError(message: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.PROTOCOL_ERROR, message);
}

/** A connection error: the peer sends on what it has ended. */
export function streamClosed(what: string, id: number): Http2ConnectionError {
  return new Http2ConnectionError(
    ErrorCode.STREAM_CLOSED,
    `${what} on stream ${id}, which the peer had ended (RFC 9113 §5.1)`,
  );
}
