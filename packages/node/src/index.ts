// SPDX-License-Identifier: Apache-2.0

import "./async-context.js";

// For users: the runtime's own, and the user half of core, so that one package is imported.
export { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
export {
  type Attachments,
  type BidiStream,
  type CallOptions,
  type Client,
  type ClientMethodOf,
  type ClientOptions,
  type ClientStream,
  type Clock,
  Code,
  CodeBizError,
  type Compression,
  ConnectError,
  type ContextKey,
  type ContextValues,
  createClient,
  createContextKey,
  createContextValues,
  decodeBinaryHeader,
  encodeBinaryHeader,
  type HandlerContext,
  type Interceptor,
  type Logger,
  type Messages,
  type MethodOptions,
  type MountOptions,
  mount,
  type Peer,
  readAttachments,
  readBinaryHeader,
  replayable,
  type SendOptions,
  type ServerStream,
  type ServiceImpl,
  type ShutdownReport,
  type StreamHandle,
  type StreamRequest,
  type StreamResponse,
  type Transport,
  type TripleCallOptions,
  type TripleContext,
  type TripleMethodImpl,
  type TripleRouteOptions,
  type TripleRouter,
  type TripleServiceImpl,
  type TripleTransport,
  type UnaryRequest,
  type UnaryResponse,
} from "@tristream/core";
export type { Http2Options, RateLimit } from "@tristream/http2";
export { createTransport, type TransportOptions } from "./create-transport.js";
export { type ServeOptions, type ServerHandle, serve } from "./serve.js";
export type { ConnectOptions } from "./socket-connector.js";
