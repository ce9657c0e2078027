// SPDX-License-Identifier: Apache-2.0

// For those who write a link.
export type { ByteLink, ByteReceiver, Peer } from "./byte-link.js";
// For users of a connection.
export { Connection } from "./connection.js";
export { ErrorCode, errorCodeName, Http2ConnectionError } from "./error-code.js";
export { HeaderBlock } from "./hpack/header-block.js";
export { HeaderList } from "./hpack/header-list.js";
export type { ConnectionCounters } from "./limits.js";
export {
  type Http2Options,
  type RateLimit,
  type ResolvedHttp2Options,
  resolveHttp2Options,
} from "./options.js";
export { type ResetReason, resetCode, resetReason } from "./reset-reason.js";
export type { ConnectionEvents } from "./sending-connection.js";
export type { OutgoingHeaders } from "./sending-half.js";
export type { Stream } from "./stream.js";
export type { StreamReset, StreamSink } from "./stream-sink.js";
