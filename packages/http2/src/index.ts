// SPDX-License-Identifier: Apache-2.0

// For those who write a link.
export type { ByteLink, ByteReceiver, Peer, PeerCertificate } from "./connection/byte-link.js";
// For users of a connection.
export { Connection } from "./connection/connection.js";
export type { ConnectionEvents } from "./connection/connection-events.js";
export { ErrorCode, errorCodeName, Http2ConnectionError } from "./connection/error-code.js";
export {
  type Http2Options,
  type RateLimit,
  type ResolvedHttp2Options,
  resolveHttp2Options,
} from "./connection/options.js";
export type { ConnectionCounters } from "./guards/limits.js";
export type { OutgoingHeaders } from "./hpack/header-block.js";
export { HeaderBlock } from "./hpack/header-block.js";
export { HeaderList } from "./hpack/header-list.js";
export { type ResetReason, resetCode, resetReason } from "./streams/reset-codes.js";
export type { Stream } from "./streams/stream.js";
export type { StreamReset, StreamSink } from "./streams/stream-sink.js";
