// SPDX-License-Identifier: Apache-2.0

// For users.
export {
  type CallOptions,
  Code,
  ConnectError,
  type ContextKey,
  type ContextValues,
  createContextKey,
  createContextValues,
  decodeBinaryHeader,
  encodeBinaryHeader,
  type HandlerContext,
  type Interceptor,
  type ServiceImpl,
  type StreamRequest,
  type StreamResponse,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
export type {
  ByteStream,
  HeaderBlock,
  HeaderList,
  OutgoingHeaders,
  StreamReset,
  StreamSink,
} from "./carrier/byte-stream.js";
export type { Connection, ConnectionEvents, Peer, PeerCertificate } from "./carrier/connection.js";
export type { ResetReason } from "./carrier/reset-reason.js";
export type { SendOptions, TripleCallOptions } from "./client/api/call-options.js";
export {
  type Client,
  type ClientMethodOf,
  type ClientOptions,
  createClient,
  type HandleOf,
  type Messages,
  type MethodOptions,
} from "./client/api/create-client.js";
export type { BidiStream, ClientStream, ServerStream, StreamHandle } from "./client/api/stream-handles.js";
// For those who bring a runtime or a carrier.
export type { ConnectionProvider, PickInfo } from "./client/transport/connection-provider.js";
export type { TripleTransport } from "./client/transport/create-transport.js";
export { createTransport } from "./client/transport/create-transport.js";
export type { TransportOptions } from "./client/transport/transport-options.js";
export { transportOptionKinds } from "./client/transport/transport-options.js";
export type { Compression } from "./connect-private.js";
export { CodeBizError } from "./dialects/grpc/status.js";
export { keepTime, type TimedConnection } from "./engine/call/keep-time.js";
export { type CallEnd, type CallHooks, observe, peerOf } from "./engine/call/observe.js";
export type { FormatOptions } from "./engine/message/format-options.js";
export { replayable } from "./engine/message/replayable.js";
export type { Logger } from "./log/logger.js";
export { type MountOptions, mount } from "./mount/mount.js";
export {
  checkOptions,
  type OptionKind,
  type OptionKinds,
  optionKinds,
  wrongArgument,
} from "./options/check-options.js";
export { type Attachments, readAttachments, readBinaryHeader } from "./protocol/attachments.js";
export { type AsyncContext, type AsyncContextClass, provideAsyncContext } from "./runtime/async-context.js";
export { type Clock, systemClock, type TimerOptions } from "./runtime/clock.js";
export { provideMaxListeners, type SetMaxListeners } from "./runtime/many-listeners.js";
export { afterTurn, nextTurn } from "./runtime/turns.js";
export type { TripleContext, TripleMethodImpl, TripleServiceImpl } from "./server/call/triple-context.js";
export { type DrivenHandler, driven } from "./server/driven/driven.js";
export type {
  DrivenBidiStream,
  DrivenClientStream,
  DrivenServerStream,
  DrivenStream,
} from "./server/driven/driven-streams.js";
export type { Server, ServerOptions, ShutdownReport } from "./server/lifecycle/create-server.js";
export { checkServerOptions, createServer, serverOptionKinds } from "./server/lifecycle/create-server.js";
export type { TripleRouteOptions, TripleRouter } from "./server/routing/create-router.js";
export { createTripleRouter } from "./server/routing/create-router.js";
export type { ServeOptions } from "./server/routing/resolve-options.js";
export {
  type Broadcast,
  type BroadcastOptions,
  broadcast,
  type SubscribeOptions,
} from "./stream/broadcast.js";
export type { BroadcastReader, WhenSlow } from "./stream/broadcast-reader.js";
export { type Channel, type ChannelOptions, createChannel } from "./stream/create-channel.js";
export { type MergedValue, merge, mergeUntilFirst } from "./stream/merge.js";
export type { StreamSource } from "./stream/source.js";
export type { StreamReader } from "./stream/stream-iterator.js";
export { idleTimeout, type StreamTimeoutOptions, withTimeout } from "./stream/timeouts.js";
