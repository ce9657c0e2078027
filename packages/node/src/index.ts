// SPDX-License-Identifier: Apache-2.0

// For users: the runtime's own, and the user half of core, so that one package is imported.
export {
  type Attachments,
  type BidiStream,
  type CallOptions,
  type Client,
  type ClientMethodOf,
  type ClientOptions,
  type ClientStream,
  Code,
  CodeBizError,
  ConnectError,
  type ContextKey,
  type ContextValues,
  createClient,
  createContextKey,
  createContextValues,
  type Interceptor,
  type Logger,
  type Messages,
  type MethodOptions,
  type MountOptions,
  mount,
  type Peer,
  readAttachments,
  type ServerStream,
  type ShutdownReport,
  type StreamHandle,
  type Transport,
  type TripleContext,
  type TripleMethodImpl,
  type TripleRouteOptions,
  type TripleRouter,
  type TripleServiceImpl,
  type TripleTransport,
} from "@tristream/core";
export type { Http2Options } from "@tristream/http2";
export { createTransport, type TransportOptions } from "./create-transport.js";
export { type ServeOptions, type ServerHandle, serve } from "./serve.js";
export type { ConnectOptions } from "./socket-connector.js";
