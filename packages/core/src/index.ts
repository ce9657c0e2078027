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
export type { SendOptions, TripleCallOptions } from "./client/call-options.js";
export {
  type Client,
  type ClientMethodOf,
  type ClientOptions,
  createClient,
  type Messages,
  type MethodOptions,
} from "./client/create-client.js";
export type { TransportOptions, TripleTransport } from "./client/create-transport.js";
// For those who bring a runtime or a carrier.
export {
  type Connector,
  createTransport,
  transportOptionKinds,
  type WaitingCall,
} from "./client/create-transport.js";
export type { BidiStream, ClientStream, ServerStream, StreamHandle } from "./client/stream-handles.js";
export type { Compression } from "./connect-private.js";
export { type AsyncContext, type AsyncContextClass, provideAsyncContext } from "./engine/async-context.js";
export type {
  ByteStream,
  HeaderBlock,
  HeaderList,
  OutgoingHeaders,
  StreamReset,
  StreamSink,
} from "./engine/byte-stream.js";
export {
  checkOptions,
  type OptionKind,
  type OptionKinds,
  optionKinds,
  wrongArgument,
} from "./engine/check-options.js";
export { type Clock, systemClock, type TimerOptions } from "./engine/clock.js";
export type { Connection, ConnectionEvents, Peer } from "./engine/connection.js";
export type { FormatOptions } from "./engine/format-options.js";
export { keepTime, type TimedConnection } from "./engine/keep-time.js";
export { replayable } from "./engine/replayable.js";
export { afterTurn, nextTurn } from "./engine/turns.js";
export { type Attachments, readAttachments, readBinaryHeader } from "./protocol/attachments.js";
export type { ResetReason } from "./protocol/reset-reason.js";
export { CodeBizError } from "./protocol/status.js";
export type { TripleRouteOptions, TripleRouter } from "./server/create-router.js";
export { createTripleRouter } from "./server/create-router.js";
export type { Server, ServerOptions, ShutdownReport } from "./server/create-server.js";
export { checkServerOptions, createServer, serverOptionKinds } from "./server/create-server.js";
export type { Logger } from "./server/logger.js";
export { type MountOptions, mount } from "./server/mount.js";
export type { ServeOptions } from "./server/resolve-options.js";
export type { TripleContext, TripleMethodImpl, TripleServiceImpl } from "./server/triple-context.js";
